import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtempDisposable, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { fileName, openSqliteStore } from "./open-sqlite-store.ts";
import { pageBytes } from "./page-scan.ts";
import { recoverStore } from "./recover.ts";

/** A closed store of hundreds of entries on many pages, some of them large, after others were deleted. */
async function usedStore() {
  const directory = await mkdtempDisposable(join(tmpdir(), "recover-"));
  await using store = openSqliteStore(directory.path);
  const names = Array.from({ length: 400 }, (_, index) => `device/${index}`);
  await Promise.all(
    names.map((name, index) => store.put(name, `${name} `.repeat(index % 50 === 0 ? 2_000 : index % 40))),
  );
  await Promise.all(names.filter((_, index) => index % 7 === 0).map((name) => store.delete(name)));
  return { directory, file: join(directory.path, fileName), entries: await store.list("") };
}

function damage(file: string, change: (bytes: Buffer) => Buffer): Buffer {
  const bytes = change(readFileSync(file));
  writeFileSync(file, bytes);
  return bytes;
}

test("pages have the size that recovery reads", async () => {
  const { directory, file } = await usedStore();
  await using _ = directory;
  using db = new DatabaseSync(file);
  assert.deepEqual(db.prepare("PRAGMA page_size").get(), { __proto__: null, page_size: pageBytes });
});

test("all is kept of a file whose first page is gone, revisions go on, and the damaged file is beside it", async () => {
  const { directory, file, entries } = await usedStore();
  await using _ = directory;
  const left = damage(file, (bytes) => bytes.fill(0, 0, pageBytes));
  const { damaged, ...report } = await recoverStore(directory.path);
  await using store = openSqliteStore(directory.path);
  // The one page is of the list of free pages, which begins on the first.
  const newest = Math.max(...entries.map(({ revision }) => revision));
  assert.deepEqual(report, { kept: entries.length, lost: [], unreadable: 1 });
  assert.deepEqual(await store.list(""), entries);
  assert.deepEqual(readFileSync(damaged), left);
  assert.ok((await store.put("new", "")) > newest);
});

test("a byte of a value costs that entry, and its key is named", async () => {
  const { directory, file, entries } = await usedStore();
  await using _ = directory;
  damage(file, (bytes) => {
    bytes.write("X", bytes.indexOf("device/333 device/333"));
    return bytes;
  });
  assert.throws(() => openSqliteStore(directory.path), { code: "data_loss" });
  const { kept, lost, unreadable } = await recoverStore(directory.path);
  await using store = openSqliteStore(directory.path);
  assert.deepEqual([kept, lost, unreadable], [entries.length - 1, ["device/333"], 0]);
  assert.deepEqual(
    await store.list(""),
    entries.filter(({ key }) => key !== "device/333"),
  );
});

test("what a cut takes is told by the number of its pages, and nothing else is lost", async () => {
  const { directory, file, entries } = await usedStore();
  await using _ = directory;
  const whole = readFileSync(file);
  damage(file, (bytes) => bytes.subarray(0, bytes.length - 3 * pageBytes));
  const { kept, unreadable } = await recoverStore(directory.path);
  await using store = openSqliteStore(directory.path);
  const found = await store.list("");
  const known = new Map(entries.map((entry) => [entry.key, entry]));
  assert.deepEqual(
    found.map(({ key }) => known.get(key)),
    found,
  );
  assert.ok(kept < entries.length && kept > entries.length / 2, `${kept} of ${entries.length}`);
  assert.ok(unreadable >= 3 && unreadable * pageBytes < whole.length / 2, `${unreadable}`);
});

test("a file that is not damaged, one that is in use and one that is not there are left alone", async () => {
  const { directory, file } = await usedStore();
  await using _ = directory;
  await assert.rejects(recoverStore(directory.path), {
    code: "failed_precondition",
    message: `${file} is not damaged`,
  });
  await assert.rejects(recoverStore(join(directory.path, "none")), {
    code: "not_found",
    message: `there is no ${directory.path}/none/${fileName}`,
  });
  await using store = openSqliteStore(directory.path);
  await assert.rejects(recoverStore(directory.path), { code: "already_exists" });
  assert.deepEqual(
    [(await readdir(directory.path)).sort(), (await store.list("")).length > 0],
    [["pid", fileName, `${fileName}-wal`], true],
  );
});
