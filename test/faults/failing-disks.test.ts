import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { mkdtempDisposable, watch } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Lab, shellCommand } from "#test/support/lab.ts";
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

/** Resolves when the disk of a store that is not well has been tried once more. */
async function tried(directory: string, signal: AbortSignal): Promise<void> {
  for await (const { filename } of watch(directory, { signal })) {
    if (filename === "state.db.probe") {
      return;
    }
  }
}

test("a full disk refuses changes and answers questions, and all is well when there is room again", {
  skip: mountsAreMissing,
}, async (t) => {
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
    await tried(join(disk.seen, "state"), t.signal);
    assert.equal((await store.health()).kind, "degraded");
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

/** What a server says of its readiness. */
async function readiness(address: string): Promise<readonly [number, string]> {
  const response = await fetch(`http://${address}/readyz`);
  return [response.status, await response.text()];
}

test("a server whose disk is full goes on with the agents that it knows, takes no others, and is well again without a restart", {
  skip: mountsAreMissing,
}, async (t) => {
  await using disk = await PrivateMount.tmpfs(1024 * 1024);
  await using lab = await Lab.open(t.signal);
  const filler = join(disk.seen, "filler");
  const server = await lab.startedBy(...disk.enter).server("-state", join(disk.path, "state"));
  const board = { cmds: { sh: shellCommand } };
  const flags = ["-a", "none", "-server", server.address];
  const known = [...flags, "-name", "known", "-state", lab.path("known")];
  const config = await lab.configuration({ board });
  const before = await lab.agent(config, ...known);
  fill(filler);
  // More than there is room for in the pages that the file has already.
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`other-${index}`, board]));
  const other = lab.start("dutagent", ["-log-json", "-c", await lab.configuration(many), ...flags]);
  await other.said("stderr", /"err":"nothing was changed: no space left[^"]*","msg":"not attached/);
  await before.stop();
  await lab.agent(config, ...known);
  const run = await lab.dutctl(["-s", server.address, "board", "sh", "echo here"]);
  const listed = await lab.dutctl(["-s", server.address, "list"]);
  const degraded = await readiness(server.address);
  rmSync(filler);
  await other.said("stderr", /"msg":"attached"/);
  await server.said("stderr", /"msg":"store ok"/);
  const late = await lab.dutctl(["-s", server.address, "other-7", "sh", "echo late"]);
  assert.deepEqual([run.stdout, listed.stdout, late.stdout], ["here\n", "- board\n", "late\n"]);
  assert.deepEqual([degraded[0], await readiness(server.address)], [503, [200, "ready\n"]]);
  assert.match(degraded[1], /no space left on the disk/);
  server.kill("SIGKILL");
  await server.ended;
  const again = await lab.startedBy(...disk.enter).server("-state", join(disk.path, "state"), "-s", server.address);
  await again.said("stderr", /"agent":"known","epoch":(?:[3-9]|\d\d),[^\n]*"msg":"agent attached"/);
});
