import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, readdir, readFile, readlink, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { nodeFiles } from "./node-files.ts";

const files = nodeFiles();
const temporary = () => mkdtempDisposable(join(tmpdir(), "files-"));

test("a replacement takes the old file's place when committed, and only then", async () => {
  await using directory = await temporary();
  const path = join(directory.path, "disk");
  await writeFile(path, "old");
  const seen: string[] = [];
  {
    await using next = await files.replace(path);
    await next.write(Buffer.from("ne"));
    await next.write(Buffer.from("w"));
    seen.push(await readFile(path, "utf8"));
    await next.commit();
  }
  seen.push(await readFile(path, "utf8"));
  assert.deepEqual({ seen, left: await readdir(directory.path) }, { seen: ["old", "new"], left: ["disk"] });
});

test("a replacement that is not committed leaves the old file and nothing beside it", async () => {
  await using directory = await temporary();
  const path = join(directory.path, "disk");
  await writeFile(path, "old");
  {
    await using next = await files.replace(path);
    await next.write(Buffer.from("new"));
  }
  assert.deepEqual(
    { disk: await readFile(path, "utf8"), left: await readdir(directory.path) },
    { disk: "old", left: ["disk"] },
  );
});

test("a link replaces a link and nothing else", async () => {
  await using directory = await temporary();
  const path = join(directory.path, "console");
  await files.link(path, "/dev/pts/1");
  await files.link(path, "/dev/pts/2");
  const target = await readlink(path);
  const taken = join(directory.path, "file");
  await writeFile(taken, "");
  await assert.rejects(files.link(taken, "/dev/pts/3"), {
    code: "already_exists",
    message: `${taken} is there and is no symbolic link`,
  });
  assert.deepEqual(
    { target, left: await readdir(directory.path) },
    { target: "/dev/pts/2", left: ["console", "file"] },
  );
});

test("what is missing has no size, no text, no names, and is removed without complaint", async () => {
  await using directory = await temporary();
  const path = join(directory.path, "nothing");
  await files.remove(path);
  assert.deepEqual(
    [await files.size(path), await files.readText(path), await files.list(path)],
    [undefined, undefined, []],
  );
  await assert.rejects(files.size(directory.path), { message: `${directory.path} is not a file` });
});

test("a lock keeps others out until it is disposed, and a killed holder holds nothing", async () => {
  await using directory = await temporary();
  const path = join(directory.path, "lock");
  const program = `import { nodeFiles } from "#pkg/host/node-files.ts";
    const lock = await nodeFiles().lock(process.argv[1]);
    console.log(lock === undefined ? "refused" : "held");
    setInterval(() => lock, 1000);`;
  const holder = spawn(process.execPath, ["--input-type=module-typescript", "-e", program, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = await once(holder.stdout, "data");
  const whileHeld = await files.lock(path);
  holder.kill("SIGKILL");
  await once(holder, "close");
  using afterwards = await files.lock(path);
  const again = await files.lock(path);
  assert.deepEqual(
    { said: String(said), whileHeld, afterwards: afterwards !== undefined, again },
    { said: "held\n", whileHeld: undefined, afterwards: true, again: undefined },
  );
});

test("what is appended stands behind what was there, in a file that only its owner reads", async () => {
  await using directory = await temporary();
  const path = join(directory.path, "known");
  await files.appendText(path, "one\n");
  await files.appendText(path, "two\n");
  assert.deepEqual(
    [await files.readText(path), await files.readText(path, 5), (await stat(path)).mode & 0o777],
    ["one\ntwo\n", "one\nt", 0o600],
  );
});
