/**
 * em100.ts STATE [-x DEVICE] [-s] [-c CHIP] [-d FILE] [-v] [-r]: what the command line utility of the EM100Pro does, as
 * far as its source tells, with the emulator kept in the folder STATE: `running`, `chip`, `image`. What it is told beyond
 * that is refused with status 64. A file STATE/worn has the emulator change what it gets, STATE/stuck keeps it stopped.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const chips: Readonly<Record<string, number>> = { W25Q80DV: 1024 * 1024, M25P10: 128 * 1024 };
const serial = "DP123456";

const [folder = "", ...words] = process.argv.slice(2);
const place = (name: string) => join(folder, name);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(line: string, status: number): never {
  say(line);
  process.exit(status);
}

function parse() {
  try {
    return parseArgs({
      args: words,
      options: {
        device: { type: "string", short: "x" },
        stop: { type: "boolean", short: "s" },
        set: { type: "string", short: "c" },
        download: { type: "string", short: "d" },
        verify: { type: "boolean", short: "v" },
        start: { type: "boolean", short: "r" },
      },
    }).values;
  } catch (error) {
    return fail(String(error), 64);
  }
}

const { device, stop, set, download, verify, start } = parse();
const chip = set === undefined ? undefined : Object.entries(chips).find(([name]) => name === set.toUpperCase());
if (set !== undefined && chip === undefined) {
  fail(`Supported chips:\n${Object.keys(chips).join(" ")} \n\nCould not find emulation for '${set}'.`, 1);
}
if (device !== undefined && device !== serial) {
  fail(`Could not find EM100pro with serial number ${device}.`, 1);
}
say("MCU version: 2.27\nFPGA version: 1.05 (3.3V)");
say(`Serial number: ${serial}`);
say(`EM100Pro currently ${existsSync(place("running")) ? "running" : "stopped"}`);
say("EM100Pro hold pin currently float\n");
if (stop) {
  rmSync(place("running"), { force: true });
  say("Stopped EM100Pro");
}
if (chip !== undefined) {
  writeFileSync(place("chip"), chip[0]);
  say(`Chip set to ${set}`);
}
if (download !== undefined) {
  const image = readFileSync(download);
  if (chip !== undefined && image.length !== chip[1]) {
    fail("FATAL: file size does not match to chip size.", 1);
  }
  const kept = Buffer.from(image);
  if (existsSync(place("worn"))) {
    kept[0] = (kept[0] as number) ^ 1;
  }
  writeFileSync(place("image"), kept);
  if (verify) {
    say(kept.equals(image) ? "Verify: PASS" : "Verify: FAIL");
  }
}
if (start) {
  if (!existsSync(place("stuck"))) {
    writeFileSync(place("running"), "");
  }
  say("Started EM100Pro");
}
