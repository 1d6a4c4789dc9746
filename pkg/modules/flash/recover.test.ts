import assert from "node:assert/strict";
import { mkdir, mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { flash } from "./flash.ts";

const host = { files: nodeFiles(), processes: nodeProcesses() };
const path = process.env.PATH;

interface Bench {
  /** What flashrom does first, in a shell, in a folder where `cycles` has a line for each time that the power was gone. */
  readonly flashrom: string;
  readonly uhubctl?: string;
}

/** Writes with a programmer that may be recovered; what came of it, and how often the power was gone. */
async function written(t: TestContext, { flashrom, uhubctl = "" }: Bench) {
  const { path: folder, remove } = await mkdtempDisposable(join(tmpdir(), "recover-"));
  t.after(remove);
  const bin = join(folder, "bin");
  await mkdir(bin);
  await writeFile(join(folder, "cycles"), "");
  const program = (name: string, script: string) =>
    writeFile(join(bin, name), `#!/bin/sh\ncd '${folder}'\ncycles=$(wc -l < cycles)\n${script}`, { mode: 0o755 });
  await program(
    "uhubctl",
    `test "$*" = "--location 1-1.4 --ports 2 --action cycle --delay 2" || exit 9\n${uhubctl}\necho off and on >> cycles\n`,
  );
  await program(
    "flashrom",
    `case " $* " in *" --help "*) exit 0;; esac
${flashrom}
echo 'Found Fake flash chip "F1" (4 kB, SPI) on fake.'; echo 4096\n`,
  );
  process.env.PATH = `${bin}:${path}`;
  t.after(() => {
    process.env.PATH = path;
  });
  const { call, transcript } = recordedCall(["write", "image"], { files: { image: Buffer.alloc(4096) } });
  const options = { tool: "flashrom", programmer: "fake", recover: { location: "1-1.4", port: 2 } };
  const message = await runModule(flash, options, call, host).then(
    () => undefined,
    (error: Error) => error.message,
  );
  const printed = transcript.flatMap((each) => ("print" in each && !/^Executing/.test(each.print) ? [each.print] : []));
  const cycles = (await readFile(join(folder, "cycles"), "utf8")).split("\n").length - 1;
  return { message, printed, cycles };
}

const failed = "echo 'Error: Programmer initialization failed.'; exit 1";
const noProgrammer =
  "flash operation failed: programmer initialization failed, check if the programmer hardware is connected and supported";
const cycling = (message: string) => `${message}\nPower-cycling port 2 of the USB hub 1-1.4 before a second try\n`;
const found = "Found Fake F1 with 4096 bytes\n";
const done = "Flash operation completed successfully\n";

test("a programmer that does not answer is power-cycled, and the flash goes on", async (t) => {
  assert.deepEqual(await written(t, { flashrom: `test $cycles -gt 0 || { ${failed}; }` }), {
    message: undefined,
    printed: [cycling(noProgrammer), found, done],
    cycles: 1,
  });
});

test("a write that fails is tried once more after the programmer was power-cycled", async (t) => {
  const flashrom = `case " $* " in *" -w "*) test $cycles -gt 0 || { echo 'ERASE FAILED'; exit 1; };; esac`;
  assert.deepEqual(await written(t, { flashrom }), {
    message: undefined,
    printed: [
      found,
      cycling(
        "flash operation failed: flash tool exited with code 1: ERASE FAILED; the content of the chip is undefined now",
      ),
      done,
    ],
    cycles: 1,
  });
});

test("a write that fails again is an error, and the power was gone once", async (t) => {
  const flashrom = `case " $* " in *" -w "*) echo 'ERASE FAILED'; exit 1;; esac`;
  const { message, cycles } = await written(t, { flashrom });
  assert.deepEqual(
    { message, cycles },
    {
      message:
        "flash operation failed: flash tool exited with code 1: ERASE FAILED; the content of the chip is undefined now",
      cycles: 1,
    },
  );
});

test("a hub that cannot switch its port is an error with what uhubctl says", async (t) => {
  const uhubctl = "echo 'No compatible devices detected at location 1-1.4!' >&2; exit 1";
  const { message, cycles } = await written(t, { flashrom: failed, uhubctl });
  assert.deepEqual(
    { message, cycles },
    { message: "uhubctl exited with code 1: No compatible devices detected at location 1-1.4!", cycles: 0 },
  );
});
