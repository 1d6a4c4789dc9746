import assert from "node:assert/strict";
import { mkdir, mkdtempDisposable, readdir, readFile, readlink, rename, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { nodeFiles } from "../node-files.ts";

const files = nodeFiles();

async function folder(t: TestContext): Promise<string> {
  const { path, remove } = await mkdtempDisposable(join(tmpdir(), "rooted-"));
  t.after(remove);
  return path;
}

async function openFiles(): Promise<readonly string[]> {
  const fds = await readdir("/proc/self/fd");
  const targets = await Promise.all(fds.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")));
  return targets.filter((target) => target.includes("/rooted-"));
}

test("all that was opened is closed, whatever became of it, and disposing twice is harmless", async (t) => {
  const path = await folder(t);
  await writeFile(join(path, "file"), "content");
  await mkdir(join(path, "folder"));
  const root = await files.openRoot(path, "refuse");
  await assert.rejects(root.read("a/b/c"), { code: "not_found" });
  await assert.rejects(root.read("file/c"), {
    code: "not_found",
    message: "open file: a part of the path is not a directory",
  });
  await assert.rejects(root.read("folder"), { code: "failed_precondition" });
  await assert.rejects(root.replace("folder", 0o600), { code: "failed_precondition" });
  await assert.rejects(root.replaceDirectory("file"), { code: "failed_precondition" });
  for (const opened of [
    await root.read("file"),
    await root.directory("folder"),
    await root.replace("new", 0o600),
    await root.replaceDirectory("new"),
    root,
  ]) {
    await opened[Symbol.asyncDispose]();
    await opened[Symbol.asyncDispose]();
  }
  assert.deepEqual([await openFiles(), (await readdir(path)).sort()], [[], ["file", "folder"]]);
});

test("a root that is moved is still the root, and what takes its place is not", async (t) => {
  const place = await folder(t);
  const path = join(place, "root");
  await using root = await files.openRoot(path, "make");
  await rename(path, join(place, "moved"));
  await mkdir(path);
  {
    await using next = await root.replace("a/b", 0o640);
    await next.write(Buffer.from("content"));
    await next.commit();
  }
  assert.deepEqual([await readdir(path), await readFile(join(place, "moved/a/b"), "utf8")], [[], "content"]);
});

test("a root may be reached by a link, and below it none is followed: not in the middle, not at the end, not to stay inside", async (t) => {
  const place = await folder(t);
  await mkdir(join(place, "root/folder"), { recursive: true });
  await writeFile(join(place, "root/folder/file"), "content");
  await symlink("root", join(place, "link"));
  await symlink("folder", join(place, "root/middle"));
  await symlink("folder/file", join(place, "root/end"));
  await using root = await files.openRoot(join(place, "link"), "refuse");
  const refused = (path: string) => ({
    code: "permission_denied",
    message: `${path} is a symbolic link, and none is followed`,
  });
  await assert.rejects(root.read("middle/file"), refused("middle"));
  await assert.rejects(root.read("end"), refused("end"));
  await assert.rejects(root.directory("middle"), refused("middle"));
  await assert.rejects(root.replace("middle/new", 0o600), refused("middle"));
  await assert.rejects(root.replace("end", 0o600), refused("end"));
  await assert.rejects(root.replaceDirectory("middle"), refused("middle"));
  assert.deepEqual((await readdir(join(place, "root/folder"))).sort(), ["file"]);
});

test("a path with .. in it, or with nothing, is refused", async (t) => {
  await using root = await files.openRoot(await folder(t), "refuse");
  for (const path of ["..", "a/../b", "a/..", "nul\0"]) {
    await assert.rejects(root.read(path), {
      code: "invalid_argument",
      message: `the path ${JSON.stringify(path)} leads out of its directory`,
    });
  }
  await assert.rejects(root.replace("./", 0o600), { code: "invalid_argument" });
});
