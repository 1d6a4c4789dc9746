import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmod,
  lstat,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { type Destination, destinationOf, grantsOf, readablePath } from "./grants.ts";
import { openGranted } from "./open-file.ts";
import { readWhole } from "./read-file.ts";
import { ReceivedFile } from "./received-file.ts";

async function emptyDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), "dutctl-"));
  t.after(() => directory.remove());
  return directory.path;
}

/** Reads what a peer asks for by a path that the user typed. */
async function readTyped(path: string, allowRead: readonly string[] = []): Promise<Uint8Array> {
  await using file = await openGranted(grantsOf([path], { directory: "/lab", allowRead }), path);
  return await readWhole(file, path);
}

async function receive(destination: Destination, name: string, content: string): Promise<void> {
  await using file = await ReceivedFile.create(destination, name);
  await file.write(Buffer.from(content));
  await file.finish();
}

const args = ["in.txt", "./dir/../up.bin", "src:dst", "a:b:c", "--image=fw", "", "/abs/olute"];
const grants = grantsOf(args, { directory: "/lab" });

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

const destinations: readonly [name: string, path: string, replace: boolean][] = [
  ["in.txt", "/lab/in.txt", true],
  ["dst", "/lab/dst", true],
  ["/abs/olute", "/abs/olute", true],
  ["dir/../up.bin", "/lab/up.bin", true],
  ["src", "/lab/src", false],
  ["log 1.txt", "/lab/log 1.txt", false],
  ["größe", "/lab/größe", false],
];

for (const [name, path, replace] of destinations) {
  test(`${name} is written ${replace ? "where the user said" : "only if it is new"}`, () => {
    assert.deepEqual(destinationOf(grants, name, new Set()), { path, replace });
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
  assert.deepEqual(Buffer.from(await readTyped(join(directory, "fw"))), content);
  assert.notEqual((await readTyped("/proc/version", ["/proc/version"])).length, 0);
});

test("only regular files are read", async (t) => {
  const directory = await emptyDirectory(t);
  execFileSync("mkfifo", [join(directory, "fifo")]);
  for (const path of [directory, join(directory, "fifo"), "/dev/zero"]) {
    await assert.rejects(readTyped(path, ["/dev/zero"]), {
      code: "permission_denied",
      message: `reading requested file "${path}": not a regular file`,
    });
  }
});

test("a file that does not fit into a message is refused", async (t) => {
  const directory = await emptyDirectory(t);
  const path = join(directory, "huge");
  execFileSync("truncate", ["-s", String(limits.fileMessageBytes), path]);
  await assert.rejects(readTyped(path), { code: "resource_exhausted" });
});

test("a new file belongs to its owner alone, and nothing else is left", async (t) => {
  const directory = await emptyDirectory(t);
  await receive({ path: join(directory, "new"), replace: false }, "new", "a");
  await receive({ path: join(directory, "typed"), replace: true }, "typed", "b");
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
  await receive({ path, replace: true }, "out", "b");
  assert.deepEqual(
    [await readFile(path, "utf8"), (await stat(path)).mode & 0o777, await readdir(directory)],
    ["b", 0o754, ["out"]],
  );
});

test("a link is not written through, though the user named it", async (t) => {
  const directory = await emptyDirectory(t);
  await writeFile(join(directory, "victim"), "mine");
  await symlink("victim", join(directory, "out"));
  await assert.rejects(receive({ path: join(directory, "out"), replace: true }, "out", "b"), {
    code: "permission_denied",
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
    await assert.rejects(receive({ path: join(directory, name), replace: false }, name, "x"), {
      code: "permission_denied",
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
    await assert.rejects(receive({ path, replace: true }, "x", "x"), {
      message: 'writing received file "x": not a regular file',
    });
  }
});

test("a directory that is missing is reported in the system's words", async (t) => {
  const directory = await emptyDirectory(t);
  await assert.rejects(receive({ path: join(directory, "no", "x"), replace: true }, "no/x", "x"), {
    message: 'writing received file "no/x": no such file or directory',
  });
});

test("a file that was sent is not written over, unless the user named it twice", () => {
  const sent = new Set(["/lab/in.txt"]);
  assert.throws(() => destinationOf(grantsOf(["in.txt", "out.txt"], { directory: "/lab" }), "in.txt", sent), {
    code: "permission_denied",
    message: 'the agent wants to overwrite the file "in.txt", which was sent to it',
  });
  assert.deepEqual(destinationOf(grantsOf(["in.txt", "in.txt"], { directory: "/lab" }), "in.txt", sent), {
    path: "/lab/in.txt",
    replace: true,
  });
});

const secrets = [
  "/home/u/.ssh/id_rsa",
  "/home/u/.ssh",
  "/root/.gnupg/secring.gpg",
  "/home/u/.config/dutctl/config.yaml",
  "/etc/shadow",
  "/proc/self/environ",
  "/sys/class/net",
  "/dev/sda",
];
for (const path of secrets) {
  test(`${path} is neither read nor written though an argument names it`, () => {
    const typed = grantsOf([path], { directory: "/lab" });
    assert.throws(() => readablePath(typed, path), { code: "permission_denied", message: /which may hold secrets$/ });
    assert.throws(() => destinationOf(typed, path, new Set()), { code: "permission_denied" });
    assert.equal(readablePath(grantsOf([], { directory: "/lab", allowRead: [path] }), path), path);
  });
}

test("a folder that is allowed brings its files, but not the secrets in it", () => {
  const allowed = grantsOf([], { directory: "/lab", allowRead: ["/home/u", "images"] });
  assert.equal(readablePath(allowed, "images/a/fw.bin"), "/lab/images/a/fw.bin");
  assert.equal(readablePath(allowed, "/home/u/notes"), "/home/u/notes");
  assert.throws(() => readablePath(allowed, "/home/u/.ssh/id_rsa"), { code: "permission_denied" });
  assert.throws(() => readablePath(allowed, "/lab/images-2"), { code: "permission_denied" });
});

test("the folder of the configuration is secret wherever it is", () => {
  const moved = grantsOf(["/cfg/dutctl/config.yaml"], { directory: "/lab", env: { XDG_CONFIG_HOME: "/cfg" } });
  assert.throws(() => readablePath(moved, "/cfg/dutctl/config.yaml"), { code: "permission_denied" });
});

test("a link that the user named leads to the file, but not to a secret", async (t) => {
  const directory = await emptyDirectory(t);
  await mkdir(join(directory, ".ssh"));
  await writeFile(join(directory, ".ssh", "key"), "secret");
  await writeFile(join(directory, "image-1.2"), "firmware");
  await symlink("image-1.2", join(directory, "image"));
  await symlink(".ssh/key", join(directory, "innocent"));
  assert.equal(Buffer.from(await readTyped(join(directory, "image"))).toString(), "firmware");
  await assert.rejects(readTyped(join(directory, "innocent")), { code: "permission_denied" });
});

test("a file that is swapped for a link while it is opened is never read through it", async (t) => {
  const directory = await emptyDirectory(t);
  await mkdir(join(directory, "a"));
  await mkdir(join(directory, "b"));
  await writeFile(join(directory, "a", "file"), "mine");
  await writeFile(join(directory, "b", "file"), "theirs");
  const path = join(directory, "way", "file");
  let swapping = true;
  const swapper = (async () => {
    for (let turn = 0; swapping; turn++) {
      const next = join(directory, "next");
      // A link to a file of the same name: what is opened depends on the moment.
      await symlink(turn % 2 === 0 ? "a" : "b", next);
      await rename(next, join(directory, "way"));
    }
  })();
  t.after(() => {
    swapping = false;
  });
  const seen = new Set<string>();
  for (let round = 0; round < 2_000; round++) {
    try {
      await using file = await openGranted(grantsOf([path], { directory }), path);
      // What was opened is what stands at the path that it was checked by.
      const at = await realpath(`/proc/self/fd/${file.handle.fd}`);
      const content = Buffer.from(await readWhole(file, "x")).toString();
      seen.add(`${at.slice(directory.length)} ${content}`);
    } catch (error) {
      if (!(error instanceof DutError)) {
        throw error;
      }
      assert.match(error.message, /it was replaced meanwhile$|no such file or directory$/);
    }
  }
  swapping = false;
  await swapper;
  seen.delete("/a/file mine");
  seen.delete("/b/file theirs");
  assert.deepEqual([...seen], []);
});

test("a file under its own name that is swapped for a link is refused or read, and the link never followed", async (t) => {
  const directory = await emptyDirectory(t);
  const path = join(directory, "file");
  await mkdir(join(directory, ".ssh"));
  await writeFile(join(directory, ".ssh", "key"), "secret");
  await writeFile(path, "mine");
  let swapping = true;
  const swapper = (async () => {
    for (let turn = 0; swapping; turn++) {
      const next = join(directory, "next");
      await (turn % 2 === 0 ? symlink(".ssh/key", next) : writeFile(next, "mine"));
      await rename(next, path);
    }
  })();
  t.after(() => {
    swapping = false;
  });
  const seen = new Set<string>();
  for (let round = 0; round < 2_000; round++) {
    await readTyped(path).then(
      (content) => seen.add(Buffer.from(content).toString()),
      (error: DutError) => seen.add(error.code),
    );
  }
  swapping = false;
  await swapper;
  seen.delete("mine");
  assert.deepEqual([...seen], ["permission_denied"]);
});

test("an existing file is replaced with -force, and a link not even then", async (t) => {
  const directory = await emptyDirectory(t);
  await writeFile(join(directory, "there"), "old");
  await symlink("there", join(directory, "link"));
  const forced = grantsOf([], { directory, force: true });
  await receive(destinationOf(forced, "there", new Set()), "there", "new");
  await assert.rejects(receive(destinationOf(forced, "link", new Set()), "link", "x"), { code: "permission_denied" });
  assert.equal(await readFile(join(directory, "there"), "utf8"), "new");
});

test("a file that is not finished leaves nothing, and no trace in the one it would have replaced", async (t) => {
  const directory = await emptyDirectory(t);
  const path = join(directory, "out");
  await writeFile(path, "old");
  {
    await using file = await ReceivedFile.create({ path, replace: true }, "out");
    await file.write(Buffer.from("half"));
    const wrong = { size: 4, sha256: new Uint8Array(32) };
    await assert.rejects(file.finish(wrong), { code: "data_loss" });
  }
  assert.deepEqual([await readFile(path, "utf8"), await readdir(directory)], ["old", ["out"]]);
});

test("a name in a sentence is bounded and cannot steer a terminal", () => {
  const name = `\x1b]52;c;x${"a".repeat(5000)}`;
  assert.throws(
    () => readablePath(grants, name),
    (error: DutError) => {
      assert.match(error.message, /^the agent asked for the file "\\x1b\]52;c;xa{192}"…, which/);
      return true;
    },
  );
});
