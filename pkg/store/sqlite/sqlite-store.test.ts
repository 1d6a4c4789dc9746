import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { chmod, mkdir, mkdtempDisposable, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { storeContract } from "#test/support/store-contract.ts";
import { StoreProcess } from "#test/support/store-process.ts";
import { fileName, openSqliteStore } from "./open-sqlite-store.ts";
import { migrate, steps } from "./schema.ts";

const folder = () => mkdtempDisposable(join(tmpdir(), "store-"));

storeContract("sqlite", undefined, async () => {
  const directory = await folder();
  const path = join(directory.path, "state");
  return {
    open: async () => openSqliteStore(path),
    spec: path,
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
});

/** A directory as a program that was killed leaves it, with three entries, and what a store that opens it has. */
async function killedStore(directory: string): Promise<void> {
  const living = join(directory, "living");
  await using store = openSqliteStore(living);
  for (const [key, value] of Object.entries({ "lock/a": "alice@h", "lock/b": "x".repeat(6_000), gone: "" })) {
    await store.put(key, value);
  }
  await store.delete("gone");
  await store.put("lock/a", "bob@h");
  for (const suffix of ["", "-wal"]) {
    copyFileSync(join(living, fileName) + suffix, join(directory, fileName) + suffix);
  }
}

const kept = [
  { key: "lock/a", value: "bob@h", revision: 5 },
  { key: "lock/b", value: "x".repeat(6_000), revision: 2 },
];

/** What is in a directory, or the code of the refusal. */
async function found(directory: string): Promise<unknown> {
  try {
    await using store = openSqliteStore(directory);
    return await store.list("");
  } catch (error) {
    assert.ok(error instanceof DutError, String(error));
    return error.code;
  }
}

test("only the owner can read what is kept", async () => {
  await using directory = await folder();
  const path = join(directory.path, "a", "state");
  await using store = openSqliteStore(path);
  await store.put("a", "1");
  const modes = await Promise.all(
    ["", ...(await readdir(path)).sort()].map(async (name) => [
      name,
      ((await stat(join(path, name))).mode & 0o777).toString(8),
    ]),
  );
  assert.deepEqual(modes, [
    ["", "700"],
    ["pid", "600"],
    ["state.db", "600"],
    ["state.db-wal", "600"],
  ]);
});

test("a directory that cannot be made is refused with what is in its way", async () => {
  await using directory = await folder();
  const file = join(directory.path, "file");
  await writeFile(file, "");
  const refusal = async (path: string) => {
    try {
      await using _ = openSqliteStore(path);
    } catch (error) {
      assert.ok(error instanceof DutError, String(error));
      return `${error.code}: ${error.message}`;
    }
    return "opened";
  };
  const paths = ["/proc/no/such/state", join(file, "state"), join(directory.path, "new", "state")];
  assert.deepEqual(await Promise.all(paths.map(refusal)), [
    "invalid_argument: cannot use /proc/no/such/state as state directory: no directory can be made in /proc",
    `invalid_argument: cannot use ${file}/state as state directory: there is a file in its way`,
    "opened",
  ]);
});

test("an orderly end leaves one file, and a lax mode is taken from it", async () => {
  await using directory = await folder();
  const file = join(directory.path, fileName);
  await using first = openSqliteStore(directory.path);
  await first.put("a", "1");
  await first[Symbol.asyncDispose]();
  assert.deepEqual(await readdir(directory.path), [fileName]);
  await chmod(file, 0o644);
  await using _ = openSqliteStore(directory.path);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test("a second process is refused with the first one's number, and let in when that is killed", async () => {
  await using directory = await folder();
  await using first = await StoreProcess.start(directory.path);
  const asked = performance.now();
  assert.throws(() => openSqliteStore(directory.path), {
    code: "already_exists",
    message: `state directory ${directory.path} is in use by process ${first.pid}`,
    hint: "stop that one, or give this one a state directory of its own",
  });
  assert.ok(performance.now() - asked < 1_000);
  await first.kill();
  await openSqliteStore(directory.path)[Symbol.asyncDispose]();
});

test("a directory that cannot be used is named with what to do", async () => {
  await using directory = await folder();
  const path = (name: string) => join(directory.path, name);
  await mkdir(path("open"));
  await chmod(path("open"), 0o777);
  await symlink("open", path("link"));
  await writeFile(path("file"), "");
  const refusal = (name: string) => {
    try {
      openSqliteStore(path(name));
      return undefined;
    } catch (error) {
      return error instanceof DutError && [error.code, error.message, error.hint];
    }
  };
  assert.deepEqual(
    [refusal("link"), refusal("file"), refusal("file/state")],
    [
      [
        "permission_denied",
        `state directory ${path("link")} can be written by every user`,
        `chmod 700 ${path("link")}`,
      ],
      ["invalid_argument", `cannot use ${path("file")} as state directory: there is a file in its way`, undefined],
      [
        "invalid_argument",
        `cannot use ${path("file/state")} as state directory: there is a file in its way`,
        undefined,
      ],
    ],
  );
});

test("a change of any byte of the file is refused, or changes nothing that is kept", async () => {
  await using directory = await folder();
  await killedStore(directory.path);
  const file = join(directory.path, fileName);
  rmSync(`${file}-wal`);
  const whole = readFileSync(file);
  const outcomes = new Map<string, number>();
  for (let at = 0; at < whole.length; at += at < 150 ? 1 : 41) {
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 0x55, at);
    writeFileSync(file, damaged);
    const outcome = await found(directory.path);
    if (typeof outcome === "string") {
      assert.deepEqual(readFileSync(file), damaged, `byte ${at}: it was refused and yet changed`);
    } else {
      assert.deepEqual(outcome, kept, `byte ${at}`);
    }
    const word = typeof outcome === "string" ? outcome : "kept";
    outcomes.set(word, (outcomes.get(word) ?? 0) + 1);
  }
  assert.ok((outcomes.get("data_loss") ?? 0) > 150, JSON.stringify(Array.from(outcomes)));
});

test("a file that was cut, emptied or replaced is refused with the way out, and left as it is", async () => {
  await using directory = await folder();
  await killedStore(directory.path);
  const file = join(directory.path, fileName);
  rmSync(`${file}-wal`);
  for (
    let length = statSync(file).size - 4_096;
    length >= 0;
    length = length === 0 ? -1 : Math.max(0, length - 3_001)
  ) {
    truncateSync(file, length);
    assert.deepEqual([await found(directory.path), statSync(file).size], ["data_loss", length]);
  }
  assert.throws(() => openSqliteStore(directory.path), {
    message: `${file} is damaged: it is empty`,
    hint: `it was left as it is; put a copy of it in its place, keep what can be read of it: dutserver db -state ${directory.path} recover, or begin with nothing stored: mv ${file} ${file}.damaged; rm -f ${file}-wal`,
  });
  writeFileSync(file, "just text, more than a hundred bytes of it. ".repeat(100));
  assert.throws(() => openSqliteStore(directory.path), { message: `${file} is damaged: file is not a database` });
});

test("nothing is lost when the log beside the file is cut, changed or gone", async () => {
  await using directory = await folder();
  await killedStore(directory.path);
  const file = join(directory.path, fileName);
  const [whole, log] = [readFileSync(file), readFileSync(`${file}-wal`)];
  const restore = (rest: Uint8Array) => {
    writeFileSync(file, whole);
    writeFileSync(`${file}-wal`, rest);
  };
  for (let at = 0; at <= log.length; at += 97) {
    restore(log.subarray(0, at));
    assert.deepEqual(await found(directory.path), kept, `cut at ${at}`);
    const damaged = Buffer.from(log);
    damaged[at] = ~(damaged[at] ?? 0);
    restore(damaged);
    assert.deepEqual(await found(directory.path), kept, `changed at ${at}`);
  }
  restore(log);
  rmSync(`${file}-wal`);
  assert.deepEqual(await found(directory.path), kept);
});

test("an older file is brought up to date, and one of a newer program is refused and left as it is", async () => {
  await using directory = await folder();
  await killedStore(directory.path);
  const file = join(directory.path, fileName);
  {
    using db = new DatabaseSync(file);
    migrate(db, file, [...steps, "CREATE TABLE more (a TEXT)", "INSERT INTO more VALUES ('new')"]);
    assert.deepEqual(db.prepare("SELECT * FROM more").all(), [{ __proto__: null, a: "new" }]);
  }
  const backup = (await readdir(directory.path)).find((name) => name.startsWith(`${fileName}.v1-`));
  assert.throws(() => openSqliteStore(directory.path), {
    code: "failed_precondition",
    message: `${file} was written by a newer program: it has version ${steps.length + 2}, and versions up to ${steps.length} are known here`,
    hint: `run that program, give this one a state directory of its own, or put the copy ${backup} that it made in the place of the file`,
  });
  {
    using db = new DatabaseSync(file);
    assert.deepEqual(db.prepare("SELECT count(*) AS count FROM entry").get(), { __proto__: null, count: 2 });
  }
  assert.ok(!existsSync(join(directory.path, "pid")));
  rmSync(`${file}-wal`, { force: true });
  renameSync(join(directory.path, String(backup)), file);
  assert.deepEqual([(await stat(file)).mode & 0o777, await found(directory.path)], [0o600, kept]);
});

test("of the copies that are made before a file is brought up to date the newest three are kept", async () => {
  await using directory = await folder();
  await openSqliteStore(directory.path)[Symbol.asyncDispose]();
  const file = join(directory.path, fileName);
  const made = [];
  using db = new DatabaseSync(file);
  for (let version = 2; version <= 6; version += 1) {
    migrate(db, file, Array(version).fill("SELECT 1"));
    made.push((await readdir(directory.path)).find((name) => name.startsWith(`${fileName}.v${version - 1}-`)));
  }
  const copies = (await readdir(directory.path)).filter((name) => name.startsWith(`${fileName}.`));
  assert.deepEqual(copies.sort(), made.slice(-3));
});
