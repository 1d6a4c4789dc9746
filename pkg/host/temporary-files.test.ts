import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtempDisposable, rename, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { nodeFiles } from "./node-files.ts";

const files = nodeFiles();
const temporary = () => mkdtempDisposable(join(tmpdir(), "files-"));

test("a temporary directory is its owner's only, is where TMPDIR says, and goes with all that is in it", async (t) => {
  await using place = await temporary();
  const before = process.env.TMPDIR;
  t.after(() => {
    process.env.TMPDIR = before;
    if (before === undefined) {
      delete process.env.TMPDIR;
    }
  });
  process.env.TMPDIR = place.path;
  const directory = await files.temporaryDirectory("flash-");
  await mkdir(join(directory.path, "folder"));
  await writeFile(join(directory.path, "folder/file"), "content");
  const { mode } = await stat(directory.path);
  await directory[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
  assert.deepEqual(
    [
      dirname(directory.path),
      /^dutagent-flash-\w+$/.test(basename(directory.path)),
      mode & 0o777,
      existsSync(directory.path),
    ],
    [place.path, true, 0o700, false],
  );
  process.env.TMPDIR = join(place.path, "missing");
  await assert.rejects(files.temporaryDirectory("flash-"), {
    code: "not_found",
    message: `make a directory in ${place.path}/missing: no such file or directory`,
  });
});

test("a file is read as it was opened, whatever takes its place, and knows its size and mode", async () => {
  await using place = await temporary();
  const path = join(place.path, "image");
  const content = Buffer.alloc(200_000, "i");
  await writeFile(path, content, { mode: 0o640 });
  await using file = await files.read(path);
  await writeFile(`${path}.new`, "other");
  await rename(`${path}.new`, path);
  const pieces = await Array.fromAsync(file.content);
  assert.deepEqual(
    { size: file.size, mode: file.mode, pieces: pieces.length, same: Buffer.concat(pieces).equals(content) },
    { size: 200_000, mode: 0o640, pieces: 4, same: true },
  );
});

test("what is no file, or not there, is not read: a directory, a FIFO that nobody writes to, a dangling link", async () => {
  await using place = await temporary();
  const [fifo, link] = [join(place.path, "fifo"), join(place.path, "link")];
  spawnSync("mkfifo", [fifo]);
  await symlink("nowhere", link);
  await assert.rejects(files.read(place.path), { code: "failed_precondition", message: `${place.path} is not a file` });
  await assert.rejects(files.read(fifo), { code: "failed_precondition", message: `${fifo} is not a file` });
  await assert.rejects(files.read(link), {
    code: "not_found",
    message: `read ${link}: no such file or directory`,
  });
});

test("what is free is told in bytes", async () => {
  const { stdout } = spawnSync("df", ["--output=size", "--block-size=1", tmpdir()], { encoding: "utf8" });
  const size = Number(stdout.split("\n")[1]);
  const free = await files.freeBytes(tmpdir());
  assert.ok(free > 0 && free <= size, `${free} of ${size}`);
  await assert.rejects(files.freeBytes("/no/such/place"), { code: "not_found" });
});
