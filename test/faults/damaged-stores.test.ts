import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { openSqliteStore } from "#pkg/store/sqlite/open-sqlite-store.ts";
import { recoverStore } from "#pkg/store/sqlite/recover.ts";
import type { Entry } from "#pkg/store/store.ts";
import { pseudoRandom } from "#test/support/pseudo-random.ts";

const rounds = 300;
const files = ["state.db", "state.db-wal"] as const;
type Name = (typeof files)[number];

/** The files of a store whose process was killed, and what is in it. */
async function killedStore(): Promise<{ files: Record<Name, Buffer>; entries: readonly Entry[] }> {
  await using directory = await mkdtempDisposable(join(tmpdir(), "whole-"));
  await using store = openSqliteStore(directory.path);
  const names = Array.from({ length: 200 }, (_, index) => `device/${index}`);
  await Promise.all(names.map((name, index) => store.put(name, name.repeat(index % 60 === 0 ? 900 : index % 30))));
  await Promise.all(names.filter((_, index) => index % 9 === 0).map((name) => store.delete(name)));
  await store.put("last", "change");
  const [db, wal] = files.map((name) => readFileSync(join(directory.path, name)));
  return { files: { "state.db": db, "state.db-wal": wal } as Record<Name, Buffer>, entries: await store.list("") };
}

/** Random bytes somewhere, or an end that is too early. */
function damage(bytes: Buffer, random: () => number): Buffer {
  const at = Math.floor(random() * bytes.length);
  if (random() < 0.2) {
    return bytes.subarray(0, at);
  }
  const damaged = Buffer.from(bytes);
  const end = Math.min(bytes.length, at + 1 + Math.floor(random() ** 3 * 6_000));
  for (let index = at; index < end; index += 1) {
    damaged[index] = Math.floor(random() * 256);
  }
  return damaged;
}

/** What is in a store, or the code of the refusal. */
async function found(directory: string): Promise<readonly Entry[] | string> {
  try {
    await using store = openSqliteStore(directory);
    return await store.list("");
  } catch (error) {
    assert.ok(error instanceof DutError, String(error));
    return error.code;
  }
}

test(`of ${rounds} stores with random bytes or cut short each has all of it or is refused, and then gives back what is right`, async (t) => {
  const whole = await killedStore();
  const known = new Map(whole.entries.map((entry) => [entry.key, entry]));
  const random = pseudoRandom(5);
  const counts = { intact: 0, refused: 0, newer: 0, lost: 0, kept: 0 };
  for (let round = 0; round < rounds; round += 1) {
    await using directory = await mkdtempDisposable(join(tmpdir(), "damaged-"));
    const target = files[random() < 0.7 ? 0 : 1];
    const left = { ...whole.files, [target]: damage(whole.files[target], random) };
    for (const name of files) {
      writeFileSync(join(directory.path, name), left[name]);
    }
    const outcome = await found(directory.path);
    if (typeof outcome !== "string") {
      assert.deepEqual(outcome, whole.entries, `round ${round}`);
      counts.intact += 1;
      continue;
    }
    for (const name of files) {
      const after = readFileSync(join(directory.path, name));
      assert.ok(after.equals(left[name]), `round ${round}: ${name} was refused and yet changed`);
    }
    if (outcome === "failed_precondition") {
      counts.newer += 1;
      continue;
    }
    assert.equal(outcome, "data_loss", `round ${round}`);
    const { damaged, kept } = await recoverStore(directory.path);
    const rest = await found(directory.path);
    assert.ok(typeof rest !== "string", `round ${round}: ${rest}`);
    assert.deepEqual(
      rest,
      rest.map(({ key }) => known.get(key)),
      `round ${round}`,
    );
    assert.equal(rest.length, kept, `round ${round}`);
    for (const [suffix, name] of [
      ["", "state.db"],
      ["-wal", "state.db-wal"],
    ] as const) {
      assert.ok(readFileSync(damaged + suffix).equals(left[name]), `round ${round}: ${name} was not kept`);
    }
    counts.refused += 1;
    counts.kept += rest.length;
    counts.lost += whole.entries.length - rest.length;
  }
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.intact > 0 && counts.refused > rounds / 4 && counts.kept > 3 * counts.lost, JSON.stringify(counts));
});
