import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtempDisposable, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { test } from "node:test";
import { makeDirectory } from "./make-directory.ts";

test("a directory is made with its parents, by two at once too, and what is there stays as it is", async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), "directory-"));
  const old = join(place.path, "old");
  await mkdir(old, { mode: 0o755 });
  const path = join(old, "a/b/c");
  await Promise.all([makeDirectory(path, 0o700), makeDirectory(relative(process.cwd(), `${path}/`), 0o700)]);
  await makeDirectory(path, 0o755);
  const modes = await Promise.all([old, join(old, "a"), path].map(async (each) => (await stat(each)).mode & 0o777));
  assert.deepEqual(modes, [0o755, 0o700, 0o700]);
});

test("a file or a link to nowhere in its place, or in that of a parent, is an error", async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), "directory-"));
  const [file, link] = [join(place.path, "file"), join(place.path, "link")];
  await writeFile(file, "");
  await symlink("nowhere", link);
  await assert.rejects(makeDirectory(file, 0o700), { code: "EEXIST" });
  await assert.rejects(makeDirectory(join(file, "a/b"), 0o700), { code: "ENOTDIR" });
  await assert.rejects(makeDirectory(link, 0o700), { code: "EEXIST" });
  await assert.rejects(makeDirectory(join(link, "a"), 0o700), { code: "EEXIST" });
});

test("where no directory can be made is said, and not looked for any longer", {
  skip: existsSync("/proc/self") ? false : "needs /proc",
}, async () => {
  await assert.rejects(makeDirectory("/proc/none/such", 0o700), {
    code: "failed_precondition",
    message: "cannot make the directory /proc/none/such: none can be made in /proc",
  });
});
