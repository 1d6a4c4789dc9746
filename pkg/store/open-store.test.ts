import assert from "node:assert/strict";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { silentLog } from "#pkg/log/log.ts";
import { openStore } from "./open-store.ts";
import { parseStoreSpec } from "./store-spec.ts";

test("every call is told with its time and its failure, and leases work as if nobody listened", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "measured-"));
  const told: unknown[] = [];
  const onCall = (name: string, ms: number, error?: unknown) => {
    assert.ok(ms > 0 && ms < 10_000);
    told.push(error === undefined ? name : [name, (error as { code: string }).code]);
  };
  await using store = await openStore(parseStoreSpec(directory.path), { log: silentLog, env: {}, onCall });
  await using lease = await store.lease(10_000);
  await store.put("a", "1");
  await store.change([{ kind: "put", key: "b", value: "2", lease }]);
  await assert.rejects(store.put("a", "2", 7));
  await store.get("a");
  await store.delete("a");
  const listed = await store.list("");
  assert.deepEqual(told, ["lease", "put", "change", ["put", "aborted"], "get", "delete", "list"]);
  assert.deepEqual([listed.map(({ key }) => key), store.health], [["b"], { kind: "ok" }]);
});
