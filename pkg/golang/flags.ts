import parse from "yargs-parser";
import { DutError } from "#pkg/errors/dut-error.ts";
import { nearest } from "#pkg/errors/nearest.ts";
import { quote } from "./quote.ts";

/** One option of a command line. */
export interface Flag {
  readonly kind: "boolean" | "string";
  /** What the help shows for the value: `-s address`. */
  readonly value?: string;
  readonly summary: string;
  /** Shown in the help; the caller applies it. */
  readonly default?: string;
}

export type Flags = Readonly<Record<string, Flag>>;

export interface ParsedFlags {
  /** The options that were given, the last one of each. `help` is true for -h and -help. */
  readonly values: Readonly<Record<string, string | boolean>>;
  readonly positionals: readonly string[];
}

/** What Go's strconv.ParseBool reads. */
const booleans: Readonly<Record<string, boolean>> = {
  "1": true,
  t: true,
  T: true,
  true: true,
  TRUE: true,
  True: true,
  "0": false,
  f: false,
  F: false,
  false: false,
  FALSE: false,
  False: false,
};

/**
 * Parses a command line by the rules of Go's flag package: one dash or two, `-f json` or `-f=json`, booleans alone or
 * with `=`, and everything from the first positional argument or behind `--` is left as it is.
 * Throws invalid_argument in the words of that package.
 */
export function parseFlags(argv: readonly string[], flags: Flags): ParsedFlags {
  const { normalised, positionals } = normalise(argv, flags);
  const { _, $0, ...values } = parse(normalised, {
    string: namesOf(flags, "string"),
    boolean: [...namesOf(flags, "boolean"), "help"],
    configuration: {
      "boolean-negation": false,
      "camel-case-expansion": false,
      "dot-notation": false,
      "duplicate-arguments-array": false,
      "parse-numbers": false,
    },
  });
  return { values, positionals };
}

/** Rewrites Go's spellings into the one that the parser reads without guessing, `--name="value"`. */
function normalise(argv: readonly string[], flags: Flags): { normalised: string[]; positionals: readonly string[] } {
  const normalised: string[] = [];
  let next = 0;
  for (;;) {
    const argument = argv[next];
    if (argument === undefined || argument === "-" || !argument.startsWith("-")) {
      return { normalised, positionals: argv.slice(next) };
    }
    next++;
    if (argument === "--") {
      return { normalised, positionals: argv.slice(next) };
    }
    const [, name = "", value] = /^--?([^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
    if (name === "" || name.startsWith("-")) {
      throw new DutError("invalid_argument", `bad flag syntax: ${argument}`);
    }
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (flag === undefined && (name === "h" || name === "help")) {
      return { normalised: [...normalised, "--help"], positionals: [] };
    }
    if (flag === undefined) {
      const meant = nearest(name, Object.keys(flags));
      throw new DutError("invalid_argument", `flag provided but not defined: -${name}`, {
        ...(meant === undefined ? {} : { hint: `did you mean -${meant}?` }),
      });
    }
    if (flag.kind === "boolean") {
      normalised.push(`--${name}=${parseBoolean(name, value ?? "true")}`);
    } else if (value !== undefined) {
      normalised.push(assignment(name, value));
    } else if (next < argv.length) {
      normalised.push(assignment(name, argv[next++] as string));
    } else {
      throw new DutError("invalid_argument", `flag needs an argument: -${name}`);
    }
  }
}

/** The parser takes one pair of quotes off, so that a value with quotes of its own keeps them. */
function assignment(name: string, value: string): string {
  return `--${name}="${value}"`;
}

function parseBoolean(name: string, text: string): boolean {
  const value = Object.hasOwn(booleans, text) ? booleans[text] : undefined;
  if (value === undefined) {
    throw new DutError("invalid_argument", `invalid boolean value ${quote(text)} for -${name}: parse error`);
  }
  return value;
}

function namesOf(flags: Flags, kind: Flag["kind"]): string[] {
  return Object.keys(flags).filter((name) => flags[name]?.kind === kind);
}

/** The flags as Go's PrintDefaults shows them, sorted by name. */
export function describeFlags(flags: Flags): string {
  return Object.entries(flags)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]) => {
      const head = flag.kind === "string" ? `  -${name} ${flag.value ?? "string"}` : `  -${name}`;
      const gap = head.length <= 4 ? "\t" : "\n    \t";
      const preset = flag.default === undefined ? "" : ` (default ${flag.default})`;
      return `${head}${gap}${flag.summary}${preset}\n`;
    })
    .join("");
}
