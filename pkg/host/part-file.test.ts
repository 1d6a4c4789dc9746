import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempDisposable, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { mountsAreMissing, PrivateMount } from "#test/support/private-mount.ts";
import { nodeFiles } from "./node-files.ts";

const files = nodeFiles();
const temporary = () => mkdtempDisposable(join(tmpdir(), "part-"));

test("a part stays for who goes on with it, and takes the old file's place when committed", async () => {
  await using directory = await temporary();
  const path = join(directory.path, "image");
  await writeFile(path, "old");
  {
    await using part = await files.resume(path);
    await part.write(Buffer.from("first, "));
  }
  const between = [await readFile(path, "latin1"), await readdir(directory.path)];
  await using part = await files.resume(path);
  const there = [part.size, Buffer.concat(await Array.fromAsync(part.read())).toString()];
  await part.write(Buffer.from("then"));
  await part.commit();
  assert.deepEqual(
    { between, there, size: part.size, content: await readFile(path, "latin1"), left: await readdir(directory.path) },
    {
      between: ["old", ["image", "image.part"]],
      there: [7, "first, "],
      size: 11,
      content: "first, then",
      left: ["image"],
    },
  );
});

test("a part can begin anew", async () => {
  await using directory = await temporary();
  await using part = await files.resume(join(directory.path, "image"));
  await part.write(Buffer.from("much too much"));
  await part.empty();
  await part.write(Buffer.from("new"));
  assert.deepEqual([part.size, await readFile(part.path, "latin1")], [3, "new"]);
});

test("a device is not replaced by a file", async () => {
  await assert.rejects(files.resume("/dev/full"), { code: "failed_precondition", message: "/dev/full is not a file" });
});

test("a link or a pipe in the place of the part is refused", async () => {
  await using directory = await temporary();
  const [linked, piped] = [join(directory.path, "linked"), join(directory.path, "piped")];
  await symlink("/etc/passwd", `${linked}.part`);
  spawnSync("mkfifo", [`${piped}.part`]);
  await assert.rejects(files.resume(linked), { code: "failed_precondition", message: /too many symbolic links$/ });
  await assert.rejects(files.resume(piped), { code: "failed_precondition", message: `${piped}.part is not a file` });
});

test("a full file system is said to be so", { skip: mountsAreMissing ?? false }, async () => {
  await using mount = await PrivateMount.tmpfs(1024 * 1024);
  await using part = await files.resume(join(mount.seen, "image"));
  await assert.rejects(part.write(Buffer.alloc(2 * 1024 * 1024)), {
    code: "resource_exhausted",
    message: `write ${part.path}: no space left on the device`,
  });
  assert.equal(part.size, 1024 * 1024);
});
