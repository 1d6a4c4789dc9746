/**
 * gpiodetect, gpioinfo and gpioset of libgpiod, with a computer's GPIO chips in a folder. They take the command lines of
 * their manual pages, of 1.6 or of 2.x, and no others; a line has one holder, and `history` gets a line for each level that
 * it has had and why. Usage: `node gpiod.ts <folder> <version> <tool> [arguments]`.
 *
 * What a line does when it is let go is in the file `release` of the folder: `persists` as Raspberry Pi's kernels have it,
 * or `input` as others. gpioset of 2.x takes commands when there is a file `interactive`. A tool that is named in the file
 * `hangs` does nothing for ever. With a file `unplugged` the chips are gone.
 */
import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";

const [folder = "", version = "", tool = "", ...words] = process.argv.slice(2);
const major = version.slice(0, version.indexOf("."));

const chips = [
  { name: "gpiochip0", label: "pinctrl-bcm2711", lines: 58 },
  { name: "gpiochip1", label: "raspberrypi-exp-gpio", lines: 8 },
];

type Level = "high" | "low" | "floating";

interface Line {
  readonly pid: number;
  readonly consumer: string;
  readonly level: Level;
  readonly bias: string;
}

const pathOf = (chip: string, pin: number) => join(folder, `${chip}-${pin}`);

function note(chip: string, pin: number, level: Level, why: string): void {
  appendFileSync(join(folder, "history"), `${chip} ${pin} ${level}: ${why}\n`);
}

function die(message: string): never {
  process.stderr.write(`${tool}: ${message}\n`);
  process.exit(1);
}

/** Does what the kernel does at once: one of these tools after the other. SQLite's lock is let go also by a tool that is killed. */
function alone<T>(work: () => T): T {
  using lock = new DatabaseSync(join(folder, "lock"), { timeout: 60_000 });
  lock.exec("BEGIN EXCLUSIVE");
  return work();
}

function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** The kernel lets go of the line of a process that is gone; here the next one that looks does. */
function lineAt(chip: string, pin: number): Line | undefined {
  const path = pathOf(chip, pin);
  if (!existsSync(path)) {
    return undefined;
  }
  const line: Line = JSON.parse(readFileSync(path, "utf8"));
  if (isAlive(line.pid)) {
    return line;
  }
  letGo(chip, pin, line);
  return undefined;
}

function letGo(chip: string, pin: number, line: Line): void {
  rmSync(pathOf(chip, pin));
  if (readFileSync(join(folder, "release"), "utf8").trim() === "persists") {
    note(chip, pin, line.level, "let go, persists");
    return;
  }
  const pulled = { "pull-up": "high", "pull-down": "low" }[line.bias] as Level | undefined;
  note(chip, pin, pulled ?? "floating", `let go, input${pulled === undefined ? "" : ` with ${line.bias}`}`);
}

function chipNamed(name: string): (typeof chips)[number] {
  return (
    (existsSync(join(folder, "unplugged")) ? [] : chips).find((chip) => chip.name === name) ??
    die(`cannot find GPIO chip character device '${name}'`)
  );
}

function detect(): void {
  for (const { name, label, lines } of chips) {
    process.stdout.write(`${name} [${label}] (${lines} lines)\n`);
  }
}

function info(): void {
  const { values, positionals } = parseArgs({
    args: words,
    options: major === "1" ? {} : { chip: { type: "string" } },
    allowPositionals: true,
  });
  const { name, lines } = chipNamed(String(major === "1" ? positionals[0] : values.chip));
  process.stdout.write(`${name} - ${lines} lines:\n`);
  const held = alone(() => Array.from({ length: lines }, (_, pin) => lineAt(name, pin)));
  for (const [pin, line] of held.entries()) {
    const id = pin < 40 ? `"GPIO${pin}"` : "unnamed";
    const direction = line === undefined ? "input" : "output";
    if (major === "1") {
      const holder = line === undefined ? "unused" : `"${line.consumer}"`;
      const used = line === undefined ? "" : ` [used ${line.bias}]`;
      const columns = [id.padStart(12), holder.padStart(12), direction.padStart(8)].join(" ");
      process.stdout.write(`\tline ${String(pin).padStart(3)}: ${columns}  active-high${used}\n`);
    } else {
      const used = line === undefined ? "" : ` bias=${line.bias} consumer="${line.consumer}"`;
      process.stdout.write(`\tline ${String(pin).padStart(3)}:\t${id.padEnd(16)}\t${direction}${used}\n`);
    }
  }
}

function set(): void {
  const { values, positionals } = parseArgs({
    args: words,
    options: {
      bias: { type: "string", default: "as-is" },
      ...(major === "1"
        ? { mode: { type: "string", default: "exit" } }
        : {
            chip: { type: "string" },
            consumer: { type: "string", default: "gpioset" },
            ...(existsSync(join(folder, "interactive")) && { interactive: { type: "boolean" } }),
          }),
    } as const,
    allowPositionals: true,
  });
  const given = values as Record<string, string | boolean | undefined>;
  const [named, setting, ...others] = major === "1" ? positionals : [String(given.chip), ...positionals];
  const { name: chip, lines } = chipNamed(named ?? "");
  const [, offset, value] = /^(\d+)=([01])$/.exec(setting ?? "") ?? die(`invalid line value: '${setting}'`);
  const pin = Number(offset);
  if (others.length > 0 || pin >= lines || (major === "1" && given.mode !== "signal")) {
    die("this is not how a line is held");
  }
  const drive = (level: Level) => {
    const line = {
      pid: process.pid,
      consumer: String(given.consumer ?? "gpioset"),
      level,
      bias: String(given.bias),
    };
    writeFileSync(`${pathOf(chip, pin)}.new`, JSON.stringify(line));
    renameSync(`${pathOf(chip, pin)}.new`, pathOf(chip, pin));
    note(chip, pin, level, "driven");
    return line;
  };
  let line = alone(() =>
    lineAt(chip, pin) === undefined
      ? drive(value === "1" ? "high" : "low")
      : die("error setting the GPIO line values: Device or resource busy"),
  );
  if (given.interactive === true) {
    converse(pin, line.level, (level) => {
      line = alone(() => drive(level));
    });
    return;
  }
  setInterval(() => {}, 1_000_000);
  if (major === "1") {
    process.once("SIGTERM", () => {
      alone(() => letGo(chip, pin, line));
      process.exit(0);
    });
  }
}

/** The commands `set` and `get` of 2.x. */
function converse(pin: number, first: Level, drive: (level: Level) => void): void {
  let level = first;
  const ask = () => process.stdout.write("gpioset> ");
  ask();
  createInterface({ input: process.stdin }).on("line", (command) => {
    const [, value] = new RegExp(`^set ${pin}=([01])$`).exec(command) ?? [];
    if (value !== undefined) {
      level = value === "1" ? "high" : "low";
      drive(level);
    } else if (command === "get") {
      process.stdout.write(`"${pin}"=${level === "high" ? "active" : "inactive"}\n`);
    } else {
      process.stdout.write(`unknown command: '${command}'\n`);
    }
    ask();
  });
}

function help(): void {
  const interactive = major !== "1" && existsSync(join(folder, "interactive"));
  process.stdout.write(`Usage: ${tool} [OPTIONS] <line=value>...\n${interactive ? "  -i, --interactive\n" : ""}`);
}

if (existsSync(join(folder, "hangs")) && readFileSync(join(folder, "hangs"), "utf8").trim() === tool) {
  setInterval(() => {}, 1_000_000);
} else if (words[0] === "--version") {
  process.stdout.write(`${tool} (libgpiod) v${version}\nCopyright (C) the authors\n`);
} else if (words[0] === "--help") {
  help();
} else {
  new Map([
    ["gpiodetect", detect],
    ["gpioinfo", info],
    ["gpioset", set],
  ]).get(tool)?.();
}
