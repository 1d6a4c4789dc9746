/**
 * store-client.ts SPEC: opens the store, says "open" with its process id, and does what the lines on its input say, at
 * once and each answered by a line of JSON: [id, result] or [id, null, code, message]. A line is
 * {"id":…,"call":"put"|"get"|"delete"|"list"|"health"|"well"|"lease","args":[…]}; "well" is answered when the store is well,
 * "lease" puts a key for as long as this process lives.
 */
import { createInterface } from "node:readline";
import { DutError } from "#pkg/errors/dut-error.ts";
import { silentLog } from "#pkg/log/log.ts";
import { openStore } from "#pkg/store/open-store.ts";
import { parseStoreSpec } from "#pkg/store/store-spec.ts";

interface Request {
  readonly id: number;
  readonly call: "put" | "get" | "delete" | "list" | "health" | "well" | "lease";
  readonly args: readonly string[];
}

const [spec = ""] = process.argv.slice(2);
await using store = await openStore(parseStoreSpec(spec), { log: silentLog, env: process.env });

async function answer({ call, args: [key = "", value = ""] }: Request): Promise<unknown> {
  switch (call) {
    case "put":
      return store.put(key, value);
    case "get":
      return store.get(key);
    case "delete":
      return store.delete(key);
    case "list":
      return store.list(key);
    case "health":
      return store.health;
    case "well":
      return well();
    case "lease":
      return store.change([{ kind: "put", key, value: "", lease: await store.lease(Number(value)) }]);
  }
}

async function well(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  using _ = store.onHealth(({ kind }) => void (kind === "ok" && resolve()));
  if (store.health.kind !== "ok") {
    await promise;
  }
}

async function serve(request: Request): Promise<void> {
  const line = await answer(request).then(
    (result) => [request.id, result ?? null],
    (error: unknown) => {
      if (!(error instanceof DutError)) {
        throw error;
      }
      return [request.id, null, error.code, error.message];
    },
  );
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

process.stdout.write(`open ${process.pid}\n`);
const serving: Promise<void>[] = [];
for await (const line of createInterface(process.stdin)) {
  serving.push(serve(JSON.parse(line)));
}
await Promise.all(serving);
