import assert from "node:assert/strict";
import { once } from "node:events";
import { watch } from "node:fs";
import { mkdir, mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { flashEmulate } from "./flash-emulate.ts";

const host = { files: nodeFiles(), processes: nodeProcesses() };
const program = fileURLToPath(import.meta.resolve("#test/programs/em100.ts"));
const image = Buffer.alloc(128 * 1024, "i");
const temporary = process.env.TMPDIR;

/** An emulator with its tool, unless another script is to be that, and the directory for temporary files. */
async function emulator(t: TestContext, script?: string) {
  const { path, remove } = await mkdtempDisposable(join(tmpdir(), "em100-"));
  process.env.TMPDIR = join(path, "tmp");
  t.after(async () => {
    process.env.TMPDIR = temporary;
    if (temporary === undefined) {
      delete process.env.TMPDIR;
    }
    await remove();
  });
  const state = join(path, "state");
  await mkdir(state);
  await mkdir(join(path, "tmp"));
  const tool = join(path, "em100");
  const words = script ?? `exec '${process.execPath}' '${program}' '${state}' "$@"`;
  await writeFile(tool, `#!/bin/sh\n${words}\n`, { mode: 0o755 });
  const run = async (args: readonly string[], options: object = {}, signal?: AbortSignal) => {
    const { call, transcript } = recordedCall(args, {
      files: { image, short: image.subarray(1) },
      ...(signal && { signal }),
    });
    const error = await runModule(flashEmulate, { chip: "M25P10", tool, ...options }, call, host).then(
      () => undefined,
      ({ message }) => message,
    );
    const printed = transcript.flatMap((each) =>
      "print" in each ? [each.print.replaceAll(path, "").replace(/dutagent-flash-emulate-\w+/, "RUN")] : [],
    );
    return { error, printed, left: await readdir(join(path, "tmp")), state: (await readdir(state)).sort() };
  };
  return { path, state, run };
}

const starting = (device = "") => `Executing: /em100 ${device}--stop --set M25P10 -d /tmp/RUN/image.bin -v --start\n`;

test("an emulator has the image, is the chip and runs; then it is stopped", async (t) => {
  const { run, state } = await emulator(t);
  assert.deepEqual(await run(["image"], { device: "DP123456" }), {
    error: undefined,
    printed: [starting("--device DP123456 "), "Emulation started successfully\n"],
    left: [],
    state: ["chip", "image", "running"],
  });
  assert.equal((await readFile(join(state, "image"))).equals(image), true);
  assert.deepEqual((await run(["status"])).printed, ["The emulator is running\n"]);
  assert.deepEqual(await run(["stop"]), {
    error: undefined,
    printed: ["Executing: /em100 --stop\n", "Emulation stopped\n"],
    left: [],
    state: ["chip", "image"],
  });
  assert.deepEqual((await run(["status"])).printed, ["The emulator is stopped\n"]);
});

test("what em100 has against an image or a chip is the error", async (t) => {
  const { run } = await emulator(t);
  const exited = "emulation failed: emulation tool exited with code 1";
  assert.deepEqual(
    [
      (await run(["short"])).error,
      (await run(["image"], { chip: "M25P9" })).error,
      (await run(["image"], { device: "DP000001" })).error,
    ],
    [
      `${exited}: FATAL: file size does not match to chip size.`,
      `${exited}: Could not find emulation for 'M25P9'.`,
      `${exited}: Could not find EM100pro with serial number DP000001.`,
    ],
  );
});

test("an image that the emulator did not keep is an error, though em100 ended well", async (t) => {
  const { run, state, path } = await emulator(t);
  await writeFile(join(state, "worn"), "");
  const { error, left } = await run(["image"]);
  assert.deepEqual([error, left], [`emulation failed: ${path}/em100 ended well but says: Verify: FAIL`, []]);
});

test("an emulator that does not run afterwards is an error, though em100 says that it was started", async (t) => {
  const { run, state } = await emulator(t);
  await writeFile(join(state, "stuck"), "");
  assert.equal((await run(["image"])).error, "the emulator is stopped though it was told otherwise");
});

test("an em100 that hangs ends with the run, which says what the emulator may be", async (t) => {
  const { run, path } = await emulator(t, 'echo > "$(dirname "$0")/state/hanging"; exec sleep 1000');
  const ending = new AbortController();
  const watcher = watch(join(path, "state"));
  t.after(() => watcher.close());
  const hanging = once(watcher, "change").then(() => ending.abort(new Error("cancelled")));
  const { error, printed, left } = await run(["image"], {}, ending.signal);
  await hanging;
  assert.deepEqual(
    { error, printed, left },
    {
      error: "cancelled",
      printed: [starting(), "Emulation was broken off: the emulator is stopped or has a part of the image\n"],
      left: [],
    },
  );
});

test("without an image, and with more than an action, nothing is started", async (t) => {
  const { run } = await emulator(t);
  for (const [args, error] of [
    [[], "missing argument: image file path"],
    [["stop", "now"], 'stop takes no arguments but got "now"'],
  ] as const) {
    assert.deepEqual(await run(args), { error, printed: [], left: [], state: [] });
  }
});

test("a tool that is missing is named when the module opens, and a chip must be chosen", async (t) => {
  const { run } = await emulator(t);
  assert.equal(
    (await run(["status"], { tool: "no-such-em100" })).error,
    'there is no program "no-such-em100" on the agent',
  );
  assert.deepEqual(
    flashEmulate.schema.safeParse({}).error?.issues.map(({ message }) => message),
    ['chip must be configured (e.g. "N25Q256A13")'],
  );
});
