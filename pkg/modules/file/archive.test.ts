import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, link, mkdir, mkdtempDisposable, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { mountsAreMissing, PrivateMount } from "#test/support/private-mount.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { file } from "./file.ts";

const host = { files: nodeFiles(), processes: nodeProcesses() };

async function folder(t: TestContext): Promise<string> {
  const { path, remove } = await mkdtempDisposable(join(tmpdir(), "archive-"));
  t.after(remove);
  return path;
}

function tar(...args: readonly string[]): Buffer {
  const { status, stdout, stderr } = spawnSync("tar", args, { maxBuffer: 1e9 });
  assert.equal(status, 0, stderr.toString());
  return stdout;
}

/** Uploads an archive as the directory `site` below a root; what came of it, and what is there. */
async function uploaded(root: string, archive: Buffer) {
  const { call, transcript } = recordedCall(["site.tar"], { files: { "site.tar": archive } });
  const error = await runModule(file, { operation: "upload", directory: true, root }, call, host).then(
    () => undefined,
    ({ code, message }) => ({ code, message }),
  );
  const left = (await readdir(root, { recursive: true })).sort();
  return { error, printed: transcript.flatMap((each) => ("print" in each ? [each.print] : [])), left };
}

test("a directory comes as an archive, and goes as one in the place of another", async (t) => {
  const [from, to] = [await folder(t), await folder(t)];
  await mkdir(join(from, "site/deep"), { recursive: true });
  await writeFile(join(from, "site/deep/run"), "#!/bin/sh\n", { mode: 0o755 });
  await writeFile(join(from, "site/empty"), "");
  let archive = Buffer.alloc(0);
  const { call, transcript } = recordedCall(["site"]);
  const session = {
    ...call.session,
    async sendFile(_: string, content: AsyncIterable<Uint8Array>) {
      archive = Buffer.concat(await Array.fromAsync(content));
    },
  };
  await runModule(file, { operation: "download", directory: true, root: from }, { ...call, session }, host);
  assert.deepEqual(transcript.at(-1), { print: `Download complete: site -> site.tar (${archive.length} bytes)\n` });
  await mkdir(join(to, "site"));
  await writeFile(join(to, "site/old"), "old");
  assert.deepEqual(await uploaded(to, archive), {
    error: undefined,
    printed: [`Upload complete: site.tar -> site (${archive.length} bytes)\n`],
    left: ["site", "site/deep", "site/deep/run", "site/empty"],
  });
  assert.deepEqual(
    [await readFile(join(to, "site/deep/run"), "utf8"), (await stat(join(to, "site/deep/run"))).mode & 0o7777],
    ["#!/bin/sh\n", 0o755],
  );
});

test("bits that lend the rights of an owner are taken from what is uploaded", async (t) => {
  const [from, root] = [await folder(t), await folder(t)];
  await writeFile(join(from, "tool"), "");
  await chmod(join(from, "tool"), 0o6755);
  const { error } = await uploaded(root, tar("-c", "-C", from, "--mode=6755", "tool"));
  assert.deepEqual([error, (await stat(join(root, "site/tool"))).mode & 0o7777], [undefined, 0o755]);
});

const refusals: Readonly<Record<string, (from: string) => Promise<readonly string[]>>> = {
  "a symbolic link": async (from) => {
    await symlink("/etc", join(from, "link"));
    return ["link"];
  },
  "a hard link": async (from) => {
    await writeFile(join(from, "one"), "1");
    await link(join(from, "one"), join(from, "two"));
    return ["one", "two"];
  },
  "a FIFO": async (from) => {
    spawnSync("mkfifo", [join(from, "fifo")]);
    return ["fifo"];
  },
  "a member with .. in its name": async (from) => {
    await writeFile(join(from, "evil"), "evil");
    return ["--absolute-names", "--transform=s,^,../,", "evil"];
  },
  "a file behind a symbolic link of the archive": async (from) => {
    await mkdir(join(from, "first"));
    await mkdir(join(from, "second/x"), { recursive: true });
    await symlink(from, join(from, "first/x"));
    await writeFile(join(from, "second/x/evil"), "evil");
    return ["-C", join(from, "first"), "x", "-C", join(from, "second"), "x/evil"];
  },
};

for (const [what, make] of Object.entries(refusals)) {
  test(`an archive with ${what} is refused, the old directory stays, and nothing is written elsewhere`, async (t) => {
    const [from, root] = [await folder(t), await folder(t)];
    await mkdir(join(root, "site"));
    await writeFile(join(root, "site/old"), "old");
    const members = await make(from);
    const before = await readdir(from, { recursive: true });
    const { error, left } = await uploaded(root, tar("-c", "-C", from, ...members));
    assert.deepEqual(
      [error?.code, left, await readdir(from, { recursive: true })],
      ["invalid_argument", ["site", "site/old"], before],
    );
  });
}

test("a member with .. in its name is named, and one with a slash before it comes without", async (t) => {
  const [from, root] = [await folder(t), await folder(t)];
  await writeFile(join(from, "a"), "a");
  const made = (names: string) => tar("-c", "-C", from, "--absolute-names", `--transform=s,^a,${names},`, "a");
  const evil = await uploaded(root, made("../b"));
  assert.deepEqual(evil.error?.message, "tar: ../b: Member name contains '..'");
  const absolute = await uploaded(root, made("/b"));
  assert.deepEqual([absolute.error, absolute.left], [undefined, ["site", "site/b"]]);
});

test("what is no archive, and an empty file, are refused with what tar says", async (t) => {
  const root = await folder(t);
  const noArchive = await uploaded(root, Buffer.alloc(20_000, "x"));
  const empty = await uploaded(root, Buffer.alloc(0));
  const refused = {
    error: { code: "invalid_argument", message: "tar: This does not look like a tar archive" },
    printed: [],
    left: [],
  };
  assert.deepEqual([noArchive, empty], [refused, refused]);
});

test("an archive that was damaged on its way takes no place, though tar is content with it", async (t) => {
  const [from, root] = [await folder(t), await folder(t)];
  await writeFile(join(from, "member"), "content");
  const archive = tar("-c", "-C", from, "member");
  const { call } = recordedCall(["site.tar"]);
  async function* damaged() {
    yield archive;
    throw new DutError("data_loss", "this is not what was sent");
  }
  const session = { ...call.session, requestFile: async () => Object.assign(damaged(), { attributes: {} }) };
  await assert.rejects(runModule(file, { operation: "upload", directory: true, root }, { ...call, session }, host), {
    code: "data_loss",
    message: "this is not what was sent",
  });
  assert.deepEqual(await readdir(root), []);
});

test("a disk that is full while an archive is unpacked is said so, and nothing of it stays", {
  skip: mountsAreMissing ?? false,
}, async (t) => {
  const from = await folder(t);
  await writeFile(join(from, "big"), Buffer.alloc(200_000));
  await using mount = await PrivateMount.tmpfs(64 * 1024);
  const { error, left } = await uploaded(mount.seen, tar("-c", "-C", from, "big"));
  assert.deepEqual(
    { error, left },
    {
      error: { code: "resource_exhausted", message: "no space left on the device for what is in the archive" },
      left: [],
    },
  );
});
