import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { ToolFolder } from "#test/support/tool-folder.ts";
import { flash } from "./flash.ts";

interface Bench {
  /** What flashrom does first, in a shell, in a folder where `log` has lines once the power was switched. */
  readonly flashrom: string;
  readonly location?: string;
  /** The port that the hub says it switches and does not. */
  readonly stuck?: string;
}

/** Writes with a programmer at port 2 of a hub that may be power-cycled; what came of it, and what was switched. */
async function written(t: TestContext, { flashrom, location = "1-1", stuck = "none" }: Bench) {
  const folder = await ToolFolder.open({ uhubctl: ["uhubctl.ts"] });
  t.after(() => folder[Symbol.asyncDispose]());
  await folder.write("log", "");
  await folder.write("stuck", stuck);
  const script = `#!/bin/sh
cd '${folder.path}'
case " $* " in *" --help "*) exit 0;; esac
${flashrom}
echo 'Found Fake flash chip "F1" (4 kB, SPI) on fake.'; echo 4096
`;
  await writeFile(join(folder.bin, "flashrom"), script, { mode: 0o755 });
  const { call, transcript } = recordedCall(["write", "image"], { files: { image: Buffer.alloc(4096) } });
  const options = { tool: "flashrom", programmer: "fake", recover: { location, port: 2, delay: "10ms" } };
  const { processes } = folder.host();
  const message = await runModule(flash, options, call, { files: nodeFiles(), processes }).then(
    () => undefined,
    (error: Error) => error.message,
  );
  const printed = transcript.flatMap((each) => ("print" in each && !/^Executing/.test(each.print) ? [each.print] : []));
  return { message, printed, switched: await folder.read("log") };
}

const failed = "echo 'Error: Programmer initialization failed.'; exit 1";
const noProgrammer =
  "flash operation failed: programmer initialization failed, check if the programmer hardware is connected and supported";
const eraseFailed =
  "flash operation failed: flash tool exited with code 1: ERASE FAILED; the content of the chip is undefined now";
const cycling = (message: string) => `${message}\nPower-cycling USB port 2 of hub 1-1 before a second try\n`;
const cycled = ["USB port 2 of hub 1-1 is off\n", "USB port 2 of hub 1-1 is on\n"];
const found = "Found Fake F1 with 4096 bytes\n";
const done = "Flash operation completed successfully\n";

test("a programmer that does not answer is power-cycled, and the flash goes on", async (t) => {
  assert.deepEqual(await written(t, { flashrom: `test -s log || { ${failed}; }` }), {
    message: undefined,
    printed: [cycling(noProgrammer), ...cycled, found, done],
    switched: "2 off\n2 on\n",
  });
});

test("a write that fails is tried once more after the programmer was power-cycled", async (t) => {
  const flashrom = `case " $* " in *" -w "*) test -s log || { echo 'ERASE FAILED'; exit 1; };; esac`;
  assert.deepEqual(await written(t, { flashrom }), {
    message: undefined,
    printed: [found, cycling(eraseFailed), ...cycled, done],
    switched: "2 off\n2 on\n",
  });
});

test("a write that fails again is an error, and the power was gone once", async (t) => {
  const flashrom = `case " $* " in *" -w "*) echo 'ERASE FAILED'; exit 1;; esac`;
  assert.deepEqual(await written(t, { flashrom }), {
    message: eraseFailed,
    printed: [found, cycling(eraseFailed), ...cycled],
    switched: "2 off\n2 on\n",
  });
});

test("a hub that only says it switches is found out, and there is no second try", async (t) => {
  assert.deepEqual(await written(t, { flashrom: failed, stuck: "2" }), {
    message: "USB port 2 of hub 1-1 was switched off and does not show it",
    printed: [cycling(noProgrammer)],
    switched: "2 off\n2 on\n",
  });
});

test("a hub that is not there is named, and nothing was switched", async (t) => {
  const { message, switched } = await written(t, { flashrom: failed, location: "3-2" });
  assert.deepEqual(
    { message, switched },
    { message: "there is no USB hub at 3-2 that switches the power of its ports", switched: "" },
  );
});
