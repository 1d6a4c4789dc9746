import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { explain } from "#pkg/errors/dut-error.ts";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { mountsAreMissing, PrivateMount } from "#test/support/private-mount.ts";
import { digestOf, writeRandomFile } from "#test/support/random-file.ts";
import { recordedCall, type Utterance } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { openSshServer, type SshServer, withoutSshd } from "#test/support/ssh-server.ts";
import { ssh } from "../ssh.ts";

const parts = { files: nodeFiles() };

function at({ port, user, userKey, hostKey }: SshServer) {
  return { host: "127.0.0.1", port, user, privatekey: userKey.path, hostkey: hostKey.publicKey };
}

suite("files of a real SSH server", { skip: withoutSshd }, () => {
  let server: SshServer;
  let files: string;
  before(async () => {
    server = await openSshServer();
    files = join(server.directory, "files");
    await mkdir(files);
  });
  after(() => server[Symbol.asyncDispose]());

  async function carried(args: readonly string[], options: object, given: Parameters<typeof recordedCall>[1] = {}) {
    const { call, transcript } = recordedCall(args, given);
    const error = await runModule(ssh, { ...at(server), ...options }, call, parts).then(() => undefined, explain);
    return { said: transcript.map(withoutRate), error };
  }

  test("an uploaded file has its content and permissions, in the place of an old one, and nothing is beside it", async () => {
    const folder = join(files, "upload");
    await mkdir(folder);
    const destination = join(folder, "image.bin");
    const content = Buffer.from("grün\n");
    const upload = { operation: "upload", permission: "0755" };
    const result = await carried(["image.bin", destination], upload, { files: { "image.bin": content } });
    const first = (await stat(destination)).mode & 0o7777;
    await carried(["image.bin", destination], { operation: "upload" }, { files: { "image.bin": Buffer.alloc(0) } });
    assert.deepEqual(
      [
        result,
        first,
        await readdir(folder),
        await readFile(destination, "utf8"),
        (await stat(destination)).mode & 0o7777,
      ],
      [
        {
          said: [
            { requested: "image.bin" },
            { progress: { done: 6, total: 6, unit: "bytes", label: "upload" } },
            { print: `Upload complete: image.bin -> ${destination} (6 bytes, … MB/s)\n` },
          ],
          error: undefined,
        },
        0o755,
        ["image.bin"],
        "",
        0o644,
      ],
    );
  });

  test("a file is downloaded, one that the kernel makes up too, and a link stands for what it leads to", async () => {
    const source = join(files, "log");
    await writeFile(source, "one\ntwo\n");
    await symlink("log", join(files, "latest"));
    assert.deepEqual(await carried([join(files, "latest"), "my.log"], { operation: "download" }), {
      said: [
        { progress: { done: 8, total: 8, unit: "bytes", label: "download" } },
        { sent: "my.log", content: "one\ntwo\n" },
        { print: `Download complete: ${join(files, "latest")} -> my.log (8 bytes, … MB/s)\n` },
      ],
      error: undefined,
    });
    const { said } = await carried([], { operation: "download", source: "/proc/version" });
    assert.deepEqual(said[1], { sent: "version", content: await readFile("/proc/version", "utf8") });
  });

  test("what cannot be carried is named, and changes nothing", async () => {
    const folder = join(files, "refused");
    await mkdir(join(folder, "inner"), { recursive: true });
    await symlink("/dev/null", join(folder, "null"));
    const given = { files: { a: Buffer.from("a") } };
    const errors = [
      await carried([join(folder, "none")], { operation: "download" }),
      await carried([folder], { operation: "download" }),
      await carried(["a", join(folder, "inner")], { operation: "upload" }, given),
      await carried(["a", join(folder, "null")], { operation: "upload" }, given),
      await carried(["a", join(folder, "none/a")], { operation: "upload" }, given),
    ].map(({ error }) => error?.replaceAll(folder, "DIR"));
    assert.deepEqual(
      [errors, await readdir(folder)],
      [
        [
          'there is no file "DIR/none" at the server',
          '"DIR" is there and is not a file (name the file in that directory)',
          '"DIR/inner" is there and is not a file (name the file in that directory)',
          '"dev/null" is there and is not a file (devices and the like are not replaced or read)',
          "look at DIR/none: no such file or directory",
        ],
        ["inner", "null"],
      ],
    );
  });

  test("a root is not left by words, by links on the way, or by one at its end", async () => {
    const root = join(files, "root");
    await mkdir(join(root, "inside"), { recursive: true });
    await symlink("..", join(root, "up"));
    await symlink("inside/good", join(root, "link"));
    await writeFile(join(root, "inside/good"), "good");
    const download = async (path: string) => {
      const { said, error } = await carried([path, "x"], { operation: "download", root });
      return error ?? said.find((utterance) => "sent" in utterance);
    };
    assert.deepEqual(
      [await download("inside/../inside/good"), await download("../log"), await download("/etc/passwd")],
      [
        { sent: "x", content: "good" },
        '"../log" does not stay where this command may go (give a path that starts at the root of this command)',
        '"/etc/passwd" does not stay where this command may go (give a path that starts at the root of this command)',
      ],
    );
    assert.deepEqual(
      [await download("up/log"), await download("link")],
      [
        '"up/log" leads out of where this command may go (a directory on its way is a symbolic link)',
        '"link" is a symbolic link, and none is followed (name the place that it leads to)',
      ],
    );
  });

  test("100 MB arrive as they were in both directions, in bounded memory", async (t) => {
    const original = join(files, "original");
    const copy = join(files, "copy");
    const digest = await writeRandomFile(original, 100);
    await using source = await nodeFiles().read(original);
    const { call } = recordedCall(["original", copy]);
    const before = process.memoryUsage.rss();
    const requestFile = async () => Object.assign(source.content, { attributes: { size: source.size } });
    const uploading = { ...call.session, requestFile };
    const printed: string[] = [];
    const print = async (text: string) => void printed.push(text);
    await runModule(ssh, { ...at(server), operation: "upload" }, { ...call, session: { ...uploading, print } }, parts);
    const back = join(server.directory, "back");
    const sendFile = async (_name: string, content: AsyncIterable<Uint8Array>) => writeFile(back, content);
    const downloading = { ...call, args: [copy], session: { ...call.session, sendFile, print } };
    await runModule(ssh, { ...at(server), operation: "download" }, downloading, parts);
    const grown = (process.memoryUsage.rss() - before) / 1e6;
    t.diagnostic(`${printed.join("").replaceAll("\n", "; ")} memory grew by ${grown.toFixed(0)} MB`);
    assert.deepEqual([await digestOf(copy, 100), await digestOf(back, 100)], [digest, digest]);
    assert.ok(grown < 150, `memory grew by ${grown} MB`);
  });

  /** An upload whose client never comes to an end after the first mebibyte; `act` is called then. */
  async function halfUpload(options: object, signal: AbortSignal, act: () => void) {
    const { call } = recordedCall(["endless"], { signal });
    const requestFile = async () => {
      async function* content() {
        yield Buffer.alloc(1 << 20);
        act();
        for (;;) {
          yield Buffer.alloc(1 << 16);
          await new Promise(setImmediate);
        }
      }
      return Object.assign(content(), { attributes: {} });
    };
    const session = { ...call.session, requestFile };
    const all = { ...options, operation: "upload" };
    return await runModule(ssh, all, { ...call, session }, parts).then(() => undefined, explain);
  }

  test("a cancelled upload leaves the old file, and nothing beside it", async () => {
    const folder = join(files, "cancelled");
    await mkdir(folder);
    await writeFile(join(folder, "old"), "old");
    const ending = new AbortController();
    const options = { ...at(server), destination: join(folder, "old") };
    const error = await halfUpload(options, ending.signal, () => ending.abort(new Error("client gone")));
    assert.deepEqual(
      [error, await readdir(folder), await readFile(join(folder, "old"), "utf8")],
      ["client gone", ["old"], "old"],
    );
  });

  test("an upload whose connection is lost says what may be left", async () => {
    const folder = join(files, "lost");
    await mkdir(folder);
    await using other = await openSshServer();
    const options = { ...at(other), destination: join(folder, "new") };
    const error = await halfUpload(options, new AbortController().signal, () => other.cut());
    const [left = ""] = await readdir(folder);
    assert.deepEqual(
      [error, left.replace(/[0-9a-f]{12}/, "RANDOM")],
      [
        `write ${folder}/new: the connection was lost; ${folder}/${left} may be left at the server`,
        ".dutctl-RANDOM.new",
      ],
    );
  });

  test("a disk of the server that is full, or too small, keeps the old file", { skip: mountsAreMissing }, async () => {
    await using disk = await PrivateMount.tmpfs(8 << 20);
    await using small = await openSshServer({ enter: disk.enter });
    await writeFile(join(disk.seen, "old"), "old");
    const destination = join(disk.path, "old");
    const full = await halfUpload({ ...at(small), destination }, new AbortController().signal, () => {});
    const { call, transcript } = recordedCall(["big"], { files: { big: Buffer.alloc(9 << 20) } });
    const options = { ...at(small), operation: "upload", destination };
    const tooBig = await runModule(ssh, options, call, parts).then(() => undefined, explain);
    assert.deepEqual(
      [full?.replace(disk.path, "DISK"), tooBig?.replace(disk.path, "DISK").replace(/\d+ bytes are/, "N bytes are")],
      [
        "no room left in DISK at the server (make room there; the old file is as it was)",
        "no room for 9437184 bytes in DISK at the server: N bytes are free (make room there; the old file is as it was)",
      ],
    );
    assert.deepEqual(
      [transcript, await readdir(disk.seen), await readFile(join(disk.seen, "old"), "utf8")],
      [[{ requested: "big" }], ["old"], "old"],
    );
  });

  test("a server that knows nothing but the standard has a file replaced too, and nothing is left beside it", async () => {
    const folder = join(files, "plain");
    await mkdir(folder);
    await using plain = await openSshServer({ sftp: "plain" });
    const options = { ...at(plain), operation: "upload", destination: join(folder, "file") };
    for (const content of ["one", "two"]) {
      await carried(["file"], options, { files: { file: Buffer.from(content) } });
    }
    assert.deepEqual([await readdir(folder), await readFile(join(folder, "file"), "utf8")], [["file"], "two"]);
  });

  test("a server without SFTP is told apart", async () => {
    await using bare = await openSshServer({ sftp: "none" });
    const { call } = recordedCall(["/etc/hostname"]);
    await assert.rejects(runModule(ssh, { ...at(bare), operation: "download" }, call, parts), {
      code: "failed_precondition",
      message: /^the SSH server does not do SFTP: /,
    });
  });
});

/** How fast it was is another number each time. */
function withoutRate(said: Utterance): Utterance {
  return "print" in said ? { print: said.print.replace(/[\d.]+ MB\/s/, "… MB/s") } : said;
}
