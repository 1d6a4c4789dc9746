import assert from "node:assert/strict";
import { mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { flash } from "./flash.ts";

const host = { files: nodeFiles(), processes: nodeProcesses() };
const program = fileURLToPath(import.meta.resolve("#test/programs/dpcmd.ts"));
const old = Buffer.alloc(4096, "o");

/** Programmers with a chip each, and a tool that drives them. */
async function programmers(t: TestContext, count: number) {
  const { path, remove } = await mkdtempDisposable(join(tmpdir(), "dpcmd-"));
  t.after(remove);
  const chip = (number: number) => join(path, `${number}.chip`);
  for (let number = 1; number <= count; number++) {
    await writeFile(chip(number), old);
  }
  const tool = join(path, "dpcmd");
  await writeFile(tool, `#!/bin/sh\nexec '${process.execPath}' '${program}' '${path}' "$@"\n`, { mode: 0o755 });
  return { path, chip, tool };
}

async function flashed(options: object, args: readonly string[], files: Record<string, Buffer> = {}) {
  const { call, transcript } = recordedCall(args, { files });
  const error = await runModule(flash, options, call, host).then(
    () => undefined,
    ({ code, message }) => ({ code, message }),
  );
  const printed = transcript.flatMap((each) => ("print" in each && !/^Executing/.test(each.print) ? [each.print] : []));
  const commands = transcript.flatMap((each) =>
    "print" in each ? (/^Executing: .*dpcmd (.*)\n$/.exec(each.print)?.[1] ?? []) : [],
  );
  const sent = transcript.find((each) => "sent" in each);
  return { error, printed, commands, sent };
}

test("what dpcmd wrote is read back and compared, and what is beyond the image stays", async (t) => {
  const { tool, chip } = await programmers(t, 2);
  const image = Buffer.alloc(1000, "n");
  assert.deepEqual(await flashed({ tool, programmer: "2" }, ["write", "image"], { image }), {
    error: undefined,
    printed: [
      "Found W25Q80DV with 4096 bytes\n",
      "Read back: the chip has the image\n",
      "Flash operation completed successfully\n",
    ],
    commands: ["--device 2 -u image.bin", "--device 2 -r back.bin"],
    sent: undefined,
  });
  assert.deepEqual(
    [
      (await readFile(chip(1))).equals(old),
      (await readFile(chip(2))).equals(Buffer.concat([image, old.subarray(1000)])),
    ],
    [true, true],
  );
});

test("a chip that did not take what dpcmd wrote is an error, though dpcmd ended well", async (t) => {
  const { tool, path } = await programmers(t, 1);
  await writeFile(join(path, "worn"), "");
  const { error } = await flashed({ tool, programmer: "1" }, ["write", "image"], { image: Buffer.alloc(1000, "n") });
  assert.deepEqual(error, {
    code: "data_loss",
    message:
      "flash operation failed: what was read back is not what was written; the content of the chip is undefined now",
  });
});

test("without verify nothing is read back", async (t) => {
  const { tool } = await programmers(t, 1);
  const image = Buffer.alloc(1000, "n");
  const { error, commands } = await flashed({ tool, verify: false, chip: "W25Q80DV" }, ["write", "image"], { image });
  assert.deepEqual({ error, commands }, { error: undefined, commands: ["--type W25Q80DV -u image.bin"] });
});

test("with skip-unchanged the chip is read first, and not written when it has the image", async (t) => {
  const { tool } = await programmers(t, 1);
  const options = { tool, "skip-unchanged": true };
  const image = old.subarray(0, 1000);
  const { error, commands } = await flashed(options, ["write", "image"], { image });
  assert.deepEqual({ error, commands }, { error: undefined, commands: ["-r back.bin"] });
});

test("the chip of the only programmer is read without its number", async (t) => {
  const { tool } = await programmers(t, 1);
  const { error, sent } = await flashed({ tool }, ["read", "saved"]);
  assert.deepEqual({ error, sent }, { error: undefined, sent: { sent: "saved", content: old.toString() } });
});

test("of several programmers one must be chosen to be read", async (t) => {
  const { tool } = await programmers(t, 2);
  const { error } = await flashed({ tool }, ["read", "saved"]);
  assert.deepEqual(error, { code: "failed_precondition", message: "dpcmd has read 2 programmers" });
});

test("a programmer that is not connected is an error with what dpcmd says", async (t) => {
  const { tool } = await programmers(t, 1);
  const { error } = await flashed({ tool, programmer: "7" }, ["read", "saved"]);
  assert.deepEqual(error, {
    code: "aborted",
    message: "flash operation failed: flash tool exited with code 1: Error: Programmers are not connected.",
  });
});

test("an image that is larger than the chip, or empty, is refused", async (t) => {
  const { tool, chip, path } = await programmers(t, 1);
  for (const bytes of [0, 4097]) {
    const { error, commands } = await flashed({ tool }, ["write", "image"], { image: Buffer.alloc(bytes, "n") });
    assert.deepEqual(
      { error, commands },
      {
        error: {
          code: "invalid_argument",
          message: `the image has ${bytes} bytes and must have at least one and no more than the 4096 of the chip W25Q80DV`,
        },
        commands: [],
      },
    );
  }
  assert.deepEqual([(await readFile(chip(1))).equals(old), await readdir(path)], [true, ["1.chip", "dpcmd"]]);
});
