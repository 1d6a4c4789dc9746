/**
 * dpcmd.ts STATE [--device N] [--type CHIP] --detect | -r FILE | -u FILE: what Dediprog's dpcmd for Linux does, as far as
 * its usage text and sources tell, with a file STATE/N.chip for the chip at each programmer N. Whatever else it is told is
 * refused with status 12. A file STATE/worn has every write change a bit.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const [state = "", ...words] = process.argv.slice(2);
const { values } = parseArgs({
  args: words,
  options: {
    device: { type: "string" },
    type: { type: "string" },
    detect: { type: "boolean" },
    read: { type: "string", short: "r" },
    auto: { type: "string", short: "u" },
  },
});
const { device, detect, read, auto } = values;

function refuse(reason: string, status: number): never {
  process.stdout.write(`Error: ${reason}\n`);
  process.exit(status);
}

if ([detect, read, auto].filter((action) => action !== undefined).length !== 1) {
  refuse(`not one thing to do: ${JSON.stringify(words)}`, 12);
}
const connected = readdirSync(state).flatMap((name) => /^(\d+)\.chip$/.exec(name)?.[1] ?? []);
const chosen = device === undefined ? connected : connected.filter((number) => number === device);
if (chosen.length === 0) {
  refuse("Programmers are not connected.", 1);
}
process.stdout.write("\nDpCmd Linux 1.14.20.12 Engine Version:\n\n");
for (const number of chosen) {
  const path = join(state, `${number}.chip`);
  const chip = readFileSync(path);
  process.stdout.write(`\nDevice ${number} (DP00000${number}):\tdetecting chip\n`);
  process.stdout.write("By reading the chip ID, the chip applies to [ W25Q80DV ]\n");
  process.stdout.write(`W25Q80DV chip size is ${chip.length} bytes.\n`);
  if (read !== undefined) {
    const target = device === undefined ? `${number}_${read}` : read;
    if (target.length > 63) {
      refuse(`*** buffer overflow detected ***: ${target}`, 134);
    }
    process.stdout.write("\nReading, please wait ...\n\r0.5s elapsed\n\nRead OK\n");
    writeFileSync(target, chip);
    process.stdout.write(`\nSuccessfully saved into file:${target} \n`);
  }
  if (auto !== undefined) {
    if (!existsSync(auto)) {
      // The real one ends well, too.
      process.stdout.write(`Error opening file: ${auto}\n`);
      process.exit(0);
    }
    process.stdout.write("\nAuto Sequences, please wait ...\n\r0.5s elapsed\n");
    const image = readFileSync(auto);
    const written = Buffer.concat([image, chip.subarray(image.length)]);
    if (existsSync(join(state, "worn"))) {
      written[0] = (written[0] as number) ^ 1;
    }
    writeFileSync(path, written);
    process.stdout.write("\nAutomatic program OK\n");
  }
}
