import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmod,
  lstat,
  mkdtempDisposable,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { limits } from "#pkg/protocol/limits.ts";
import { destinationOf, grantsOf, readablePath } from "./grants.ts";
import { readRegularFile } from "./read-file.ts";
import { writeReceivedFile } from "./write-file.ts";

async function emptyDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), "dutctl-"));
  t.after(() => directory.remove());
  return directory.path;
}

const args = ["in.txt", "./dir/../up.bin", "src:dst", "a:b:c", "--image=fw", "", "/abs/olute"];
const grants = grantsOf(args, "/lab");

const readable: readonly [name: string, path: string][] = [
  ["in.txt", "/lab/in.txt"],
  ["./in.txt", "/lab/in.txt"],
  ["/lab/in.txt", "/lab/in.txt"],
  ["up.bin", "/lab/up.bin"],
  ["src", "/lab/src"],
  ["dst", "/lab/dst"],
  ["src:dst", "/lab/src:dst"],
  ["a:b:c", "/lab/a:b:c"],
  ["/abs/olute", "/abs/olute"],
];

for (const [name, path] of readable) {
  test(`${name} is read, as the user named it`, () => {
    assert.equal(readablePath(grants, name), path);
  });
}

for (const name of [
  "",
  ".",
  "..",
  "fw",
  "a",
  "b",
  "c",
  "b:c",
  "dir",
  "/etc/passwd",
  "~/.ssh/id_rsa",
  "in.txt/../other",
  "in.txt\0",
]) {
  test(`${JSON.stringify(name)} is not read, as the user did not name it`, () => {
    assert.throws(() => readablePath(grants, name), { code: "permission_denied" });
  });
}

const destinations: readonly [name: string, path: string, named: boolean][] = [
  ["in.txt", "/lab/in.txt", true],
  ["dst", "/lab/dst", true],
  ["/abs/olute", "/abs/olute", true],
  ["dir/../up.bin", "/lab/up.bin", true],
  ["src", "/lab/src", false],
  ["log 1.txt", "/lab/log 1.txt", false],
  ["größe", "/lab/größe", false],
];

for (const [name, path, named] of destinations) {
  test(`${name} is written ${named ? "where the user said" : "only if it is new"}`, () => {
    assert.deepEqual(destinationOf(grants, name, new Set()), { path, named });
  });
}

const unsafe = [
  "",
  ".",
  "..",
  "../x",
  "/etc/passwd",
  "dir/x",
  "dir\\x",
  ".bashrc",
  "-rf",
  "a\n\x1b]52;c;x",
  "a\0b",
  "a\u202eb",
  "x".repeat(256),
];
for (const name of unsafe) {
  test(`${JSON.stringify(name).slice(0, 40)} is not written`, () => {
    assert.throws(() => destinationOf(grants, name, new Set()), { code: "permission_denied" });
  });
}

test("a file is read whole, also when it claims to be empty", async (t) => {
  const directory = await emptyDirectory(t);
  const content = Buffer.alloc(3_000_000, "firmware");
  await writeFile(join(directory, "fw"), content);
  assert.deepEqual(Buffer.from(await readRegularFile(join(directory, "fw"), "fw")), content);
  assert.notEqual((await readRegularFile("/proc/version", "v")).length, 0);
});

test("only regular files are read", async (t) => {
  const directory = await emptyDirectory(t);
  execFileSync("mkfifo", [join(directory, "fifo")]);
  for (const path of [directory, join(directory, "fifo"), "/dev/zero"]) {
    await assert.rejects(readRegularFile(path, "x"), { message: 'reading requested file "x": not a regular file' });
  }
});

test("a file that does not fit into a message is refused", async (t) => {
  const directory = await emptyDirectory(t);
  const path = join(directory, "huge");
  execFileSync("truncate", ["-s", String(limits.fileMessageBytes), path]);
  await assert.rejects(readRegularFile(path, "huge"), { code: "resource_exhausted" });
});

test("a new file belongs to its owner alone, and nothing else is left", async (t) => {
  const directory = await emptyDirectory(t);
  await writeReceivedFile({ path: join(directory, "new"), named: false }, "new", Buffer.from("a"));
  await writeReceivedFile({ path: join(directory, "typed"), named: true }, "typed", Buffer.from("b"));
  const mode = async (name: string) => (await stat(join(directory, name))).mode & 0o777;
  assert.deepEqual(
    [await mode("new"), await mode("typed"), (await readdir(directory)).sort()],
    [0o600, 0o600, ["new", "typed"]],
  );
});

test("a file that the user named is replaced and keeps its mode", async (t) => {
  const directory = await emptyDirectory(t);
  const path = join(directory, "out");
  await writeFile(path, "a longer text");
  await chmod(path, 0o754);
  await writeReceivedFile({ path, named: true }, "out", Buffer.from("b"));
  assert.deepEqual(
    [await readFile(path, "utf8"), (await stat(path)).mode & 0o777, await readdir(directory)],
    ["b", 0o754, ["out"]],
  );
});

test("a link is not written through, though the user named it", async (t) => {
  const directory = await emptyDirectory(t);
  await writeFile(join(directory, "victim"), "mine");
  await symlink("victim", join(directory, "out"));
  await assert.rejects(writeReceivedFile({ path: join(directory, "out"), named: true }, "out", Buffer.from("b")), {
    code: "failed_precondition",
    message: 'writing received file "out": a symbolic link',
  });
  assert.deepEqual(
    [await readlink(join(directory, "out")), await readFile(join(directory, "victim"), "utf8")],
    ["victim", "mine"],
  );
});

test("a name that the user did not type is never written through a link, dangling or not", async (t) => {
  const directory = await emptyDirectory(t);
  await writeFile(join(directory, "victim"), "mine");
  await symlink("victim", join(directory, "link"));
  await symlink("nowhere", join(directory, "dangling"));
  for (const name of ["link", "dangling", "victim"]) {
    await assert.rejects(writeReceivedFile({ path: join(directory, name), named: false }, name, Buffer.from("x")), {
      code: "already_exists",
    });
  }
  assert.deepEqual(
    [
      await readFile(join(directory, "victim"), "utf8"),
      (await readdir(directory)).sort(),
      (await lstat(join(directory, "link"))).isSymbolicLink(),
    ],
    ["mine", ["dangling", "link", "victim"], true],
  );
});

test("what is no regular file is not replaced", async (t) => {
  const directory = await emptyDirectory(t);
  for (const path of [directory, "/dev/null"]) {
    await assert.rejects(writeReceivedFile({ path, named: true }, "x", Buffer.from("x")), {
      message: 'writing received file "x": not a regular file',
    });
  }
});

test("a directory that is missing is reported in the system's words", async (t) => {
  const directory = await emptyDirectory(t);
  await assert.rejects(writeReceivedFile({ path: join(directory, "no", "x"), named: true }, "no/x", Buffer.from("x")), {
    message: 'writing received file "no/x": no such file or directory',
  });
});

test("a file that was sent is not written over, unless the user named it twice", () => {
  const sent = new Set(["/lab/in.txt"]);
  assert.throws(() => destinationOf(grantsOf(["in.txt", "out.txt"], "/lab"), "in.txt", sent), {
    code: "permission_denied",
    message: 'the agent wants to overwrite the file "in.txt", which was sent to it',
  });
  assert.deepEqual(destinationOf(grantsOf(["in.txt", "in.txt"], "/lab"), "in.txt", sent), {
    path: "/lab/in.txt",
    named: true,
  });
});
