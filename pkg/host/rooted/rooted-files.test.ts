import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import {
  chmod,
  chown,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  readlink,
  rename,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { nodeFiles } from "../node-files.ts";

const files = nodeFiles();
const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

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

test("a directory of any depth is taken, replaced and given up", async (t) => {
  const path = await folder(t);
  await using root = await files.openRoot(path, "refuse");
  // As long as a path may be, and too long behind that of the root.
  const deep = (place: string) => execFileSync("mkdir", ["-p", "d/".repeat(2040)], { cwd: place });
  {
    await using next = await root.replaceDirectory("site");
    deep(next.path);
    await next.commit();
  }
  {
    await using next = await root.replaceDirectory("site");
    deep(next.path);
  }
  await (await root.replaceDirectory("site")).commit();
  assert.deepEqual(await readdir(path, { recursive: true }), ["site"]);
});

test("a directory in which a file system is mounted is not replaced, and the file system keeps its files", {
  skip: isRoot ? false : "needs root",
}, async (t) => {
  const path = await folder(t);
  const mounted = join(path, "site/data");
  await mkdir(mounted, { recursive: true });
  await using root = await files.openRoot(path, "refuse");
  await using early = await root.replaceDirectory("site");
  execFileSync("mount", ["-t", "tmpfs", "none", mounted]);
  const holder = () => readdirSync(path).find((name) => existsSync(join(path, name, "data"))) as string;
  using _mounted = { [Symbol.dispose]: () => void execFileSync("umount", [join(path, holder(), "data")]) };
  await writeFile(join(mounted, "file"), "precious");
  await assert.rejects(root.replaceDirectory("site"), {
    code: "failed_precondition",
    message: `site cannot be replaced: there is a file system mounted on ${mounted}`,
  });
  await assert.rejects(early.commit(), {
    message: /^site is replaced, but what it was stays beside it as \.\S+\.old: "data" is another file system$/,
  });
  assert.equal(await readFile(join(path, holder(), "data/file"), "utf8"), "precious");
});

test("permission bits that keep the owner out are no hindrance", { skip: isRoot ? false : "needs root" }, async (t) => {
  const path = await folder(t);
  await chown(path, nobody, nobody);
  process.seteuid?.(nobody);
  t.after(() => process.seteuid?.(0));
  await using root = await files.openRoot(path, "refuse");
  const filled = async () => {
    const next = await root.replaceDirectory("site");
    await mkdir(join(next.path, "closed/deep"), { recursive: true });
    await writeFile(join(next.path, "closed/file"), "content", { mode: 0 });
    await chmod(join(next.path, "closed/deep"), 0);
    await chmod(join(next.path, "closed"), 0o500);
    return next;
  };
  {
    await using _given = await filled();
  }
  const given = await readdir(path);
  {
    await using next = await filled();
    await next.commit();
  }
  const modeOf = async (name: string) => (await stat(join(path, name))).mode & 0o777;
  assert.deepEqual(
    [given, await modeOf("site/closed"), await modeOf("site/closed/deep"), await modeOf("site/closed/file")],
    [[], 0o700, 0o700, 0o400],
  );
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
