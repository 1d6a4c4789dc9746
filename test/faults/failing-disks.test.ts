import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { disksAreMissing, mountsAreMissing, PrivateMount } from "#test/support/private-mount.ts";
import { StoreProcess } from "#test/support/store-process.ts";

const large = "x".repeat(100_000);

/** Writes a file until the disk has no room for another byte. */
function fill(path: string): void {
  const file = openSync(path, "w");
  try {
    for (let piece = Buffer.alloc(65_536); piece.length > 0; ) {
      try {
        writeSync(file, piece);
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
        piece = piece.subarray(0, Math.floor(piece.length / 2));
      }
    }
  } finally {
    closeSync(file);
  }
}

/** What the keys of a store are. */
async function valuesIn(store: StoreProcess): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries((await store.list("")).map(({ key, value }) => [key, value]));
}

/**
 * Puts large values until one is refused, as must happen soon, and adds those that were not to `kept`. Questions are
 * answered meanwhile, and health tells the reason.
 */
async function assertDegraded(store: StoreProcess, reason: RegExp, kept: Record<string, string>): Promise<void> {
  const refused = async () => {
    for (let index = 0; index < 10; index += 1) {
      const key = `large${Object.keys(kept).length}`;
      await store.put(key, large);
      kept[key] = large;
    }
  };
  await assert.rejects(refused(), { code: "resource_exhausted", message: reason });
  const health = await store.health();
  assert.ok(health.kind === "degraded" && reason.test(health.reason), JSON.stringify(health));
  assert.deepEqual(await valuesIn(store), kept);
}

test("a full disk refuses changes and answers questions, and all is well when there is room again", {
  skip: mountsAreMissing,
}, async () => {
  await using disk = await PrivateMount.tmpfs(2 * 1024 * 1024);
  const filler = join(disk.seen, "filler");
  const directory = join(disk.path, "state");
  await using store = await StoreProcess.start(directory, disk.enter);
  const kept = { small: "1", large };
  await store.put("small", "1");
  await store.put("large", large);
  for (let round = 0; round < 2; round += 1) {
    fill(filler);
    await assertDegraded(store, /no space left on the disk of .*state\.db/, kept);
    rmSync(filler);
    await store.well();
  }
  fill(filler);
  await assertDegraded(store, /no space left/, kept);
  await store.kill();
  rmSync(filler);
  await using next = await StoreProcess.start(directory, disk.enter);
  assert.deepEqual([await valuesIn(next), await next.health()], [kept, { kind: "ok" }]);
});

test("a file system that has become read-only refuses changes and answers questions", {
  skip: disksAreMissing,
}, async () => {
  await using disk = await PrivateMount.ext4(16 * 1024 * 1024);
  await using store = await StoreProcess.start(join(disk.path, "state"), disk.enter);
  await store.put("kept", "1");
  const [program = "", ...args] = [...disk.enter, "mount", "-o", "remount,abort", disk.path];
  execFileSync(program, args);
  await assertDegraded(store, /state\.db cannot be written now/, { kept: "1" });
});

test("a disk that fails to write refuses changes and answers questions, and all is well when it writes again", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "failing-"));
  await using store = await StoreProcess.start(directory.path);
  const limitFiles = (bytes: string) => execFileSync("prlimit", ["--pid", `${store.pid}`, `--fsize=${bytes}:`]);
  await store.put("kept", "1");
  limitFiles("512");
  await assertDegraded(store, /state\.db cannot be written now/, { kept: "1" });
  limitFiles("unlimited");
  await store.well();
  await store.put("late", large);
  assert.deepEqual(await valuesIn(store), { kept: "1", late: large });
});
