import assert from "node:assert/strict";
import { chmod, mkdir, mkdtempDisposable, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { mountsAreMissing, PrivateMount } from "#test/support/private-mount.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { file } from "./file.ts";

const host = { files: nodeFiles(), processes: nodeProcesses() };

async function folder(t: TestContext): Promise<string> {
  const { path, remove } = await mkdtempDisposable(join(tmpdir(), "file-"));
  t.after(remove);
  return path;
}

/** What came of a run: its error, and what it said and sent. */
async function carried(options: object, args: readonly string[], files: Record<string, Buffer> = {}) {
  const { call, transcript } = recordedCall(args, { files });
  const error = await runModule(file, options, call, host).then(
    () => undefined,
    ({ code, message }) => ({ code, message }),
  );
  return { error, transcript };
}

test("an uploaded file is there with its permission whatever the umask, and folders that were missing are made", async (t) => {
  const root = await folder(t);
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  const options = { operation: "upload", root, permission: "0666" };
  assert.deepEqual(await carried(options, ["firmware.bin:new/place/fw"], { "firmware.bin": Buffer.from("content") }), {
    error: undefined,
    transcript: [
      { requested: "firmware.bin" },
      { progress: { done: 7, total: 7, unit: "bytes", label: "upload" } },
      { print: "Upload complete: firmware.bin -> new/place/fw (7 bytes)\n" },
    ],
  });
  const path = join(root, "new/place/fw");
  assert.deepEqual(
    [await readFile(path, "utf8"), (await stat(path)).mode & 0o7777, await readdir(join(root, "new/place"))],
    ["content", 0o666, ["fw"]],
  );
});

test("an upload takes the place of the old file, also an empty one, and gives it the permission", async (t) => {
  const root = await folder(t);
  await writeFile(join(root, "old"), "old", { mode: 0o600 });
  const options = { operation: "upload", destination: join(root, "old") };
  const { error, transcript } = await carried(options, ["empty"], { empty: Buffer.alloc(0) });
  assert.deepEqual(
    [error, transcript.at(-1), await readFile(join(root, "old"), "utf8"), (await stat(join(root, "old"))).mode & 0o777],
    [undefined, { print: `Upload complete: empty -> ${join(root, "old")} (0 bytes)\n` }, "", 0o644],
  );
});

test("an upload that breaks off leaves the old file, and nothing beside it", async (t) => {
  const root = await folder(t);
  await writeFile(join(root, "old"), "old");
  const { call } = recordedCall(["image:old"]);
  async function* broken() {
    yield Buffer.from("half");
    throw new Error("the line is cut");
  }
  const session = { ...call.session, requestFile: async () => Object.assign(broken(), { attributes: { size: 8 } }) };
  await assert.rejects(runModule(file, { operation: "upload", root }, { ...call, session }, host), {
    message: "the line is cut",
  });
  assert.deepEqual([await readFile(join(root, "old"), "utf8"), await readdir(root)], ["old", ["old"]]);
});

test("a disk that is full is said so, and the old file stays", { skip: mountsAreMissing ?? false }, async () => {
  await using mount = await PrivateMount.tmpfs(64 * 1024);
  const path = join(mount.seen, "old");
  await writeFile(path, "old");
  const { error } = await carried({ operation: "upload", destination: path }, ["big"], { big: Buffer.alloc(100_000) });
  assert.deepEqual(
    [error, await readFile(path, "utf8"), await readdir(mount.seen)],
    [{ code: "resource_exhausted", message: "write old: no space left on the device" }, "old", ["old"]],
  );
});

test("a downloaded file is the agent's, also an empty one", async (t) => {
  const root = await folder(t);
  await mkdir(join(root, "logs"));
  await writeFile(join(root, "logs/boot"), "booted");
  await writeFile(join(root, "logs/none"), "");
  const options = { operation: "download", root };
  assert.deepEqual(await carried(options, ["logs/boot"]), {
    error: undefined,
    transcript: [
      { progress: { done: 6, total: 6, unit: "bytes", label: "download" } },
      { sent: "boot", content: "booted" },
      { print: "Download complete: logs/boot -> boot (6 bytes)\n" },
    ],
  });
  assert.deepEqual((await carried({ ...options, source: join(root, "logs/none") }, ["mine"])).transcript, [
    { sent: "mine", content: "" },
    { print: `Download complete: ${join(root, "logs/none")} -> mine (0 bytes)\n` },
  ]);
});

test("without a root a configured path is free, and what the user says starts where the agent works", async (t) => {
  const place = await folder(t);
  await mkdir(join(place, "real"));
  await symlink("real", join(place, "linked"));
  await writeFile(join(place, "real/file"), "content");
  const configured = { operation: "download", source: join(place, "linked/file"), destination: "mine" };
  assert.deepEqual((await carried(configured, [])).transcript.at(-2), { sent: "mine", content: "content" });
  const before = process.cwd();
  t.after(() => process.chdir(before));
  process.chdir(place);
  const free = { operation: "download" };
  assert.deepEqual(
    [
      (await carried(free, ["real/file"])).error,
      (await carried(free, [join(place, "real/file")])).error,
      (await carried(free, ["linked/file"])).error,
      (await carried(free, [join(place, "linked/file")])).error?.code,
      (await carried(free, ["../file"])).error,
      (await carried(free, [`${place}/linked/../real/file`])).error,
      (await carried(free, ["/proc/self/environ"])).error?.code,
    ],
    [
      undefined,
      undefined,
      { code: "permission_denied", message: "linked is a symbolic link, and none is followed" },
      "permission_denied",
      { code: "invalid_argument", message: `paths with leading '..' are not allowed: "../file"` },
      undefined,
      "permission_denied",
    ],
  );
});

for (const path of ["../secret", "folder/../../secret", "/secret", "link", "up/secret", "folder/link"]) {
  test(`a user's path ${path} does not lead out of the root, neither for reading nor for writing`, async (t) => {
    const place = await folder(t);
    const root = join(place, "root");
    await mkdir(join(root, "folder"), { recursive: true });
    await writeFile(join(place, "secret"), "secret");
    await symlink("../secret", join(root, "link"));
    await symlink("..", join(root, "up"));
    await symlink("../../secret", join(root, "folder/link"));
    const down = await carried({ operation: "download", root, destination: "mine" }, [path]);
    const up = await carried({ operation: "upload", root, source: "mine" }, [path], { mine: Buffer.from("mine") });
    const codes = [down, up].map(({ error }) => error?.code);
    const refused = path.includes("link") || path.includes("up") ? "permission_denied" : "invalid_argument";
    assert.deepEqual(
      [codes, down.transcript, up.transcript, await readFile(join(place, "secret"), "utf8"), await readdir(place)],
      [[refused, refused], [], [], "secret", ["root", "secret"]],
    );
  });
}

test("a source that is not there is told by the user's name for it, and one that is no file is refused", async (t) => {
  const root = await folder(t);
  const options = { operation: "download", root };
  assert.deepEqual(
    [(await carried(options, ["folder/none"])).error, (await carried({ operation: "upload", root }, ["a:."])).error],
    [
      { code: "not_found", message: 'source file "folder/none" not found on dutagent' },
      { code: "invalid_argument", message: 'the path "." names nothing in its directory' },
    ],
  );
  await mkdir(join(root, "folder"));
  assert.deepEqual(
    [(await carried(options, ["folder"])).error, (await carried({ operation: "upload", root }, ["a:folder"])).error],
    [
      { code: "failed_precondition", message: "folder is not a file" },
      { code: "failed_precondition", message: "folder is there and is not a file" },
    ],
  );
});

test("a file that the agent may not read is refused", {
  skip: process.getuid?.() === 0 ? "root may read everything" : false,
}, async (t) => {
  const root = await folder(t);
  await writeFile(join(root, "key"), "secret");
  await chmod(join(root, "key"), 0);
  assert.deepEqual((await carried({ operation: "download", root }, ["key"])).error, {
    code: "permission_denied",
    message: "read key: permission denied",
  });
});
