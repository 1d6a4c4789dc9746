import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { flash } from "./flash.ts";

const skip = spawnSync("flashrom", ["--version"]).status === 0 ? false : "needs flashrom: apt-get install flashrom";
const host = { files: nodeFiles(), processes: nodeProcesses() };

/** Of the chips that flashrom's dummy programmer emulates, the one with the fewest bytes. */
const chipBytes = 128 * 1024;
const chipName = "Micron/Numonyx/ST M25P10";

const bench = await mkdtempDisposable(join(tmpdir(), "flash-test-"));
after(() => bench.remove());
const temporary = join(bench.path, "tmp");
await mkdir(temporary);
process.env.TMPDIR = temporary;

const image = (letter: string, bytes = chipBytes) => Buffer.alloc(bytes, letter);

/** A chip that is kept in a file, and the programmer that it is wired to. */
async function chipWith(name: string, content: Buffer) {
  const path = join(bench.path, name);
  await writeFile(path, content);
  return { path, programmer: `dummy:emulate=M25P10.RES,image=${path}` };
}

interface Given {
  readonly files?: Record<string, Buffer>;
  readonly options?: object;
}

/** What came of a run: its error, what it printed, what it sent, and whether it left something behind. */
async function flashed(programmer: string, args: readonly string[], { files = {}, options = {} }: Given = {}) {
  const { call, transcript } = recordedCall(args, { files });
  const error = await runModule(flash, { tool: "flashrom", programmer, ...options }, call, host).then(
    () => undefined,
    ({ code, message }) => ({ code, message }),
  );
  const printed = transcript.flatMap((each) => ("print" in each ? [each.print.replaceAll(temporary, "TMP")] : []));
  const tool = transcript.flatMap((each) => ("stdout" in each ? [each.stdout] : [])).join("");
  const progress = transcript.flatMap((each) => ("progress" in each ? [each.progress] : []));
  const sent = transcript.find((each) => "sent" in each);
  return { error, printed, tool, progress, sent, left: await readdir(temporary) };
}

const found = `Found ${chipName} with ${chipBytes} bytes\n`;
const done = "Flash operation completed successfully\n";

test("an image is written, what the tool says is shown, and read back it is the same", { skip }, async () => {
  const { path, programmer } = await chipWith("written", image("o"));
  const written = await flashed(programmer, ["write", "firmware.bin"], { files: { "firmware.bin": image("n") } });
  const [first, executing = "", last] = written.printed;
  assert.match(
    executing,
    /^Executing: \/.*flashrom -p dummy:emulate=M25P10.RES,image=\/.*\/written .*-w TMP\/dutagent-flash-\w+\/image.bin\n$/,
  );
  assert.match(written.tool, /Erasing and writing flash chip\.\.\.[\s\S]*Verifying flash\.\.\. VERIFIED/);
  assert.deepEqual(
    { error: written.error, first, last, left: written.left, chip: (await readFile(path)).equals(image("n")) },
    { error: undefined, first: found, last: done, left: [], chip: true },
  );
  assert.deepEqual(written.progress.map(({ label, unit }) => `${label}, ${unit}`).slice(0, 4), [
    "receive, bytes",
    "read, steps",
    "erase and write, steps",
    "verify, steps",
  ]);
  const read = await flashed(programmer, ["read", "saved.bin"]);
  assert.deepEqual(
    { error: read.error, sent: read.sent, left: read.left },
    { error: undefined, sent: { sent: "saved.bin", content: image("n").toString() }, left: [] },
  );
});

for (const bytes of [chipBytes - 1, chipBytes + 1]) {
  test(`an image of ${bytes} bytes for a chip of ${chipBytes} is refused as soon as its size is known, and nothing is written`, {
    skip,
  }, async () => {
    const { path, programmer } = await chipWith("refused", image("o"));
    const { error, printed, left } = await flashed(programmer, ["write", "odd"], { files: { odd: image("n", bytes) } });
    assert.deepEqual(
      { error, printed, left, chip: (await readFile(path)).equals(image("o")) },
      {
        error: {
          code: "invalid_argument",
          message: `the image has ${bytes} bytes and must have exactly the ${chipBytes} of the chip ${chipName}`,
        },
        printed: [found],
        left: [],
        chip: true,
      },
    );
  });
}

test("two devices that are flashed at the same time get each its own image", { skip }, async () => {
  const [one, other] = [await chipWith("one", image("o")), await chipWith("other", image("o"))];
  const [first, second] = await Promise.all([
    flashed(one.programmer, ["write", "image"], { files: { image: image("1") } }),
    flashed(other.programmer, ["write", "image"], { files: { image: image("2") } }),
  ]);
  assert.deepEqual(
    [
      first.error,
      second.error,
      (await readFile(one.path)).equals(image("1")),
      (await readFile(other.path)).equals(image("2")),
    ],
    [undefined, undefined, true, true],
  );
});

test("an image of the agent is written when the option file names one, and none is taken", { skip }, async () => {
  const { path, programmer } = await chipWith("from-file", image("o"));
  const file = join(bench.path, "image-of-the-agent");
  await writeFile(file, image("n"));
  assert.deepEqual((await flashed(programmer, ["write"], { options: { file } })).error, undefined);
  assert.equal((await readFile(path)).equals(image("n")), true);
  assert.deepEqual((await flashed(programmer, ["write", "mine"], { options: { file } })).error, {
    code: "invalid_argument",
    message: `this command writes ${file} of the agent and takes no image`,
  });
});

test("with skip-unchanged a chip that has the image already is left alone, and another is written", {
  skip,
}, async () => {
  const { path, programmer } = await chipWith("unchanged", image("o"));
  const options = { "skip-unchanged": true };
  const same = await flashed(programmer, ["write", "image"], { files: { image: image("o") }, options });
  assert.deepEqual(
    { error: same.error, printed: same.printed, tool: same.tool, left: same.left },
    {
      error: undefined,
      printed: [
        found,
        "Comparing the chip with the image\n",
        "The chip has this image already: nothing was written\n",
        done,
      ],
      tool: "",
      left: [],
    },
  );
  const other = await flashed(programmer, ["write", "image"], { files: { image: image("n") }, options });
  assert.deepEqual([other.error, (await readFile(path)).equals(image("n"))], [undefined, true]);
});

test("of a layout only the regions that are named are written", { skip }, async () => {
  const { path, programmer } = await chipWith("regions", image("o"));
  const layout = join(bench.path, "layout");
  await writeFile(layout, "00000000:00007fff boot\n00008000:0001ffff rest\n");
  const options = { layout, regions: ["boot"] };
  const { error } = await flashed(programmer, ["write", "image"], { files: { image: image("n") }, options });
  const expected = Buffer.concat([image("n", 0x8000), image("o", chipBytes - 0x8000)]);
  assert.deepEqual([error, (await readFile(path)).equals(expected)], [undefined, true]);
});

test("without verify the tool is told not to", { skip }, async () => {
  const { path, programmer } = await chipWith("not-verified", image("o"));
  const options = { verify: false };
  const { error, tool } = await flashed(programmer, ["write", "image"], { files: { image: image("n") }, options });
  assert.deepEqual(
    [error, /Verifying/.test(tool), (await readFile(path)).equals(image("n"))],
    [undefined, false, true],
  );
});

test("a chip that is not there is an error with the tool's reason", { skip }, async () => {
  const { error, left } = await flashed("dummy", ["read", "image"]);
  assert.deepEqual(
    { error, left },
    {
      error: {
        code: "aborted",
        message:
          "flash operation failed: flash tool exited with code 1: Note: flashrom can never write if the flash chip isn't found automatically.",
      },
      left: [],
    },
  );
});

test("a programmer that is not there is an error that says so", { skip }, async () => {
  const { error, left } = await flashed("linux_spi:dev=/dev/no-such-spidev", ["write", "image"]);
  assert.deepEqual(
    { error, left },
    {
      error: {
        code: "aborted",
        message:
          "flash operation failed: programmer initialization failed, check if the programmer hardware is connected and supported",
      },
      left: [],
    },
  );
});

for (const [what, args, message] of [
  ["no operation", [], "missing argument: flash operation"],
  ["an unknown operation", ["erase"], 'unknown operation "erase"'],
  ["no image", ["write"], "missing argument: image file name"],
] as const) {
  test(`${what} is refused before the programmer is touched`, { skip }, async () => {
    const { error, printed } = await flashed("no-such-programmer", args);
    assert.deepEqual({ error, printed }, { error: { code: "invalid_argument", message }, printed: [] });
  });
}
