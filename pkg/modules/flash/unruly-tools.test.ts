import assert from "node:assert/strict";
import { watch } from "node:fs";
import { mkdir, mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Files } from "#pkg/host/files.ts";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { flash } from "./flash.ts";

const host = { files: nodeFiles(), processes: nodeProcesses() };
const undefinedNow = "the content of the chip is undefined now";
const chipBytes = 4096;

const bench = await mkdtempDisposable(join(tmpdir(), "unruly-"));
after(() => bench.remove());
const temporary = join(bench.path, "tmp");
await mkdir(temporary);
process.env.TMPDIR = temporary;

let tools = 0;

/** A flashrom with a chip of 4 KiB that is a shell script: `$image` is the last word of its command line. */
async function flashrom({ probe = "", read = "", write = "" }): Promise<string> {
  const folder = join(bench.path, `tool-${++tools}`);
  await mkdir(folder);
  const path = join(folder, "flashrom");
  const script = `#!/bin/sh
cd '${bench.path}'
for image; do :; done
case " $* " in
*" --help "*) ;;
*" --flash-size "*) ${probe}
  echo 'Found Fake flash chip "F1" (4 kB, SPI) on fake.'; echo ${chipBytes};;
*" -w "*) ${write}
  ;;
*" -r "*) ${read}
  ;;
esac
`;
  await writeFile(path, script, { mode: 0o755 });
  return path;
}

interface Given {
  readonly options?: object;
  readonly signal?: AbortSignal;
  readonly files?: Files;
}

async function flashed(
  tool: string,
  operation: "read" | "write",
  { options = {}, signal, files = host.files }: Given = {},
) {
  const image = Buffer.alloc(chipBytes, "n");
  const { call, transcript } = recordedCall([operation, "image"], { files: { image }, ...(signal && { signal }) });
  const error: unknown = await runModule(flash, { tool, programmer: "fake", ...options }, call, {
    ...host,
    files,
  }).then(
    () => undefined,
    (thrown) => thrown,
  );
  const printed = transcript.flatMap((each) => ("print" in each && !/^Executing/.test(each.print) ? [each.print] : []));
  return { message: (error as Error | undefined)?.message, error, printed, left: await readdir(temporary) };
}

/** Aborted as soon as the tool has made a file. */
async function abortedBy(file: string, reason: Error) {
  const ending = new AbortController();
  const watcher = watch(bench.path, (_, name) => name === file && ending.abort(reason));
  return { signal: ending.signal, [Symbol.dispose]: () => watcher.close() };
}

test("a write by a flashrom that hangs ends with the run, and says what is known of the chip", async () => {
  const tool = await flashrom({ write: "echo Erasing; touch hanging; exec sleep 1000" });
  const reason = new Error("the client is gone");
  using aborted = await abortedBy("hanging", reason);
  const { error, printed, left } = await flashed(tool, "write", aborted);
  assert.deepEqual(
    { error, printed, left },
    {
      error: reason,
      printed: ["Found Fake F1 with 4096 bytes\n", `The write was broken off: ${undefinedNow}\n`],
      left: [],
    },
  );
});

test("a flashrom that ignores SIGTERM has ten seconds to finish, and finishes", async () => {
  const write =
    "trap 'echo asked > asked' TERM; touch ignoring; while ! test -e asked; do sleep 0.05; done; echo end > finished";
  using aborted = await abortedBy("ignoring", new Error("cancelled"));
  const { message, left } = await flashed(await flashrom({ write }), "write", aborted);
  assert.deepEqual([message, left, await readFile(join(bench.path, "finished"), "utf8")], ["cancelled", [], "end\n"]);
});

test("a flashrom that goes on after ten seconds is killed", async () => {
  const tool = await flashrom({ write: "trap '' TERM; echo $$ > stubborn; while :; do sleep 0.1; done" });
  using aborted = await abortedBy("stubborn", new Error("cancelled"));
  const started = performance.now();
  const { message, left } = await flashed(tool, "write", aborted);
  const pid = Number(await readFile(join(bench.path, "stubborn"), "utf8"));
  assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  assert.deepEqual([message, left, performance.now() - started > 9_000], ["cancelled", [], true]);
});

test("a flashrom that hangs while it looks for the chip ends with the run, and the chip was not touched", async () => {
  const tool = await flashrom({ probe: "touch probing; exec sleep 1000" });
  using aborted = await abortedBy("probing", new Error("cancelled"));
  const { message, printed, left } = await flashed(tool, "write", aborted);
  assert.deepEqual({ message, printed, left }, { message: "cancelled", printed: [], left: [] });
});

test("a flashrom that dies in the middle of a write leaves a chip of which nothing is known", async () => {
  const tool = await flashrom({ write: "echo 'Erasing and writing flash chip... '; kill -KILL $$" });
  const { message, left } = await flashed(tool, "write");
  assert.deepEqual(
    [message, left],
    [`flash operation failed: flash tool was ended by SIGKILL: Erasing and writing flash chip...; ${undefinedNow}`, []],
  );
});

test("a flashrom that fails in a write gives its reason, and the chip's state", async () => {
  const tool = await flashrom({ write: "echo 'ERASE FAILED at 0x00000000!'; echo 'Thanks for your help!'; exit 3" });
  const { message, left } = await flashed(tool, "write");
  assert.deepEqual(
    [message, left],
    [`flash operation failed: flash tool exited with code 3: ERASE FAILED at 0x00000000!; ${undefinedNow}`, []],
  );
});

test("a flashrom that prints a gigabyte is heard to its end, and nothing of it is kept", async () => {
  const tool = await flashrom({ write: "head -c 1073741824 /dev/zero" });
  const { call } = recordedCall(["write", "image"], { files: { image: Buffer.alloc(chipBytes) } });
  let bytes = 0;
  const session = {
    ...call.session,
    async stdout(piece: Uint8Array) {
      bytes += piece.length;
    },
  };
  const before = process.memoryUsage().rss;
  await runModule(flash, { tool, programmer: "fake" }, { ...call, session }, host);
  assert.equal(bytes, 1024 ** 3);
  assert.ok(process.memoryUsage().rss - before < 300e6);
});

test("a read that ended well but brought too little is not sent", async () => {
  for (const [read, message] of [
    ["", "flash operation failed: flashrom ended well but has read nothing"],
    ['printf short > "$image"', "flashrom has read 5 of the 4096 bytes of the chip Fake F1"],
  ] as const) {
    assert.deepEqual((await flashed(await flashrom({ read }), "read")).message, message);
  }
});

test("a flashrom that does not say how large the chip is, is not let at it", async () => {
  const { message, left } = await flashed(await flashrom({ probe: "exit 0;" }), "write");
  assert.deepEqual([message, left], ["flash operation failed: flashrom does not say how large the chip is", []]);
});

test("a tool that is missing is named with its Debian package when the module opens", async () => {
  const { error } = await flashed(join(bench.path, "nowhere/flashrom"), "write");
  const { code, message, hint } = error as Record<string, unknown>;
  assert.deepEqual(
    { code, message, hint },
    {
      code: "failed_precondition",
      message: `there is no program ${JSON.stringify(join(bench.path, "nowhere/flashrom"))} on the agent`,
      hint: "install the Debian package flashrom on the agent",
    },
  );
});

test("a temporary directory without room for the image is an error before any of the image is stored", async () => {
  const files = { ...host.files, freeBytes: async () => 4095 };
  const { message } = await flashed(await flashrom({}), "write", { files });
  assert.match(message ?? "", /^no room for 4096 bytes in \/.*\/dutagent-flash-\w+: 4095 bytes are free$/);
  assert.deepEqual(await readdir(temporary), []);
});
