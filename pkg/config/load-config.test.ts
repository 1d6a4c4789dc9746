import assert from "node:assert/strict";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { explain } from "#pkg/errors/dut-error.ts";
import { loadConfig } from "./load-config.ts";
import { ProcessSecrets } from "./secrets/secret-source.ts";

async function messageOfLoading(path: string): Promise<string> {
  return loadConfig(path, [], new ProcessSecrets({}, ".")).then(() => "loaded", explain);
}

test("a file that cannot be read is one sentence with its path", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "config-"));
  assert.deepEqual(await Promise.all([join(folder.path, "nosuch.yaml"), folder.path].map(messageOfLoading)), [
    `cannot read ${folder.path}/nosuch.yaml: no such file or directory (name the configuration file with -c)`,
    `cannot read ${folder.path}: it is a directory (name the configuration file with -c)`,
  ]);
});

test("a file that is no text, too long or without devices is a problem of the file", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "config-"));
  const contents = { binary: Uint8Array.of(0x64, 0xff, 0xfe), long: Buffer.alloc(2 ** 20 + 1, "#"), empty: "" };
  const messages = Object.entries(contents).map(async ([name, content]) => {
    await writeFile(join(folder.path, name), content);
    return (await messageOfLoading(join(folder.path, name))).slice(folder.path.length + 1);
  });
  assert.deepEqual(await Promise.all(messages), [
    "binary:1:1: the file is not UTF-8 text",
    "long:1:1: a configuration of more than 1048576 bytes is not read",
    "empty:1:1: devices is missing; add devices: with the boards of this agent",
  ]);
});

test("a file without end is not read to its end", async () => {
  assert.equal(
    await messageOfLoading("/dev/zero"),
    "/dev/zero:1:1: a configuration of more than 1048576 bytes is not read",
  );
});
