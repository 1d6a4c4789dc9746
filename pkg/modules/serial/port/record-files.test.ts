import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtempDisposable, readdir, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Files } from "#pkg/host/files.ts";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { silentLog } from "#pkg/log/log.ts";
import { RecordFiles } from "./record-files.ts";
import { Secrets } from "./secrets.ts";

const limits = { fileBytes: 1024 * 1024, files: 2 };

function record(directory: string, secrets = new Secrets(), files: Files = nodeFiles()): RecordFiles {
  return new RecordFiles("/dev/ttyUSB0", { kind: "directory", directory, ...limits }, secrets, files, silentLog);
}

/** All that was recorded, the oldest first, without the times. */
async function recorded(directory: string): Promise<string> {
  const names = (await readdir(directory)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), "utf8")));
  return texts.join("").replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /gm, "");
}

test("the record is for its owner, has no escape sequences and no secrets, and goes on after a restart", async () => {
  await using temporary = await mkdtempDisposable(join(tmpdir(), "record-"));
  const directory = join(temporary.path, "consoles");
  const secrets = new Secrets();
  {
    await using files = record(directory, secrets);
    files.note("connected");
    files.write(Buffer.from("\x1b[1mhello\x1b[0m\r\nhun"));
    secrets.add(Buffer.from("hunter2"));
    files.write(Buffer.from(" hun"));
    files.write(Buffer.from("ter2\r\nlogin: "));
  }
  {
    await using again = record(directory);
    again.write(Buffer.from("again\n"));
  }
  const names = await readdir(directory);
  const modes = await Promise.all([directory, join(directory, names[0] ?? "")].map((path) => stat(path)));
  assert.deepEqual(
    [
      names.length,
      /^dev-ttyUSB0\.\d{8}T\d{6}\.\d{3}Z\.log$/.test(names[0] ?? ""),
      modes.map(({ mode }) => mode & 0o777),
    ],
    [1, true, [0o700, 0o600]],
  );
  assert.equal(await recorded(directory), "# connected\n| hello\n| hun ***\n| login: \n\n| again\n");
});

test("files have a bounded size, and the oldest are removed", async () => {
  await using temporary = await mkdtempDisposable(join(tmpdir(), "record-"));
  const line = `${"x".repeat(997)}\r\n`;
  for (let round = 0; round < 5; round += 1) {
    await using files = record(temporary.path);
    files.write(Buffer.from(`round ${round}\n${line.repeat(350)}`));
    await files.settled();
    files.write(Buffer.from(line.repeat(350)));
  }
  const sizes = await Promise.all((await readdir(temporary.path)).map((name) => stat(join(temporary.path, name))));
  const rounds = (await recorded(temporary.path)).match(/round \d/g);
  assert.deepEqual(
    [sizes.map(({ size }) => size <= limits.fileBytes), rounds],
    [
      [true, true],
      ["round 3", "round 4"],
    ],
  );
});

test("a disk that is full ends nothing, is said once, and what is missing is noted when there is room", async () => {
  await using temporary = await mkdtempDisposable(join(tmpdir(), "record-"));
  const real = nodeFiles();
  let isFull = true;
  const files: Files = {
    ...real,
    appendText: async (path, text) => {
      if (isFull) {
        await real.appendText("/dev/full", text);
      }
      await real.appendText(path, text);
    },
  };
  const said: string[] = [];
  const log = {
    ...silentLog,
    error: (message: string) => void said.push(message),
    info: (message: string) => void said.push(message),
  };
  const { path: directory } = temporary;
  const kept = new RecordFiles("/dev/a", { kind: "directory", directory, ...limits }, new Secrets(), files, log);
  for (const text of ["one\n", "two\n", "three\n"]) {
    isFull = text !== "three\n";
    kept.write(Buffer.from(text));
    await kept.settled();
  }
  await kept[Symbol.asyncDispose]();
  assert.deepEqual(
    [await recorded(directory), said],
    [
      "# 8 bytes were not recorded\n| three\n",
      ["the serial port is not recorded", "the serial port is recorded again"],
    ],
  );
});

test("a directory that can never be made is said, with the option that wants it, and holds nothing up", {
  skip: existsSync("/proc/self") ? false : "needs /proc",
}, async () => {
  const said: unknown[] = [];
  const log = { ...silentLog, error: (...words: readonly unknown[]) => void said.push(words) };
  const directory = "/proc/none/consoles";
  const kept = new RecordFiles("/dev/a", { kind: "directory", directory, ...limits }, new Secrets(), nodeFiles(), log);
  kept.write(Buffer.from("one\n"));
  await kept.settled();
  await kept[Symbol.asyncDispose]();
  const err = "cannot make the directory /proc/none/consoles: none can be made in /proc";
  assert.deepEqual(said, [["the serial port is not recorded", { record: directory, err }]]);
});
