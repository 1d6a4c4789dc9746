import { DutError } from "#pkg/errors/dut-error.ts";
import { nearest } from "#pkg/errors/nearest.ts";
import { quote } from "./quote.ts";

interface Described {
  /** What the help shows for the value: `-s address`. */
  readonly value?: string;
  readonly summary: string;
  /** Shown in the help; the caller applies it. */
  readonly default?: string;
}

/** One option of a command line. Beyond Go's, `list` may be given several times, and `optional` needs no value. */
export type Flag = Described &
  (
    | { readonly kind: "boolean" | "string" | "list" }
    /** The word behind it is its value only when `accepts` says so; `=` gives it any. */
    | { readonly kind: "optional"; accepts(word: string): boolean }
  );

export type Flags = Readonly<Record<string, Flag>>;

type ValueOf<Kind extends Flag["kind"]> = Kind extends "boolean"
  ? boolean
  : Kind extends "list"
    ? readonly string[]
    : string;

/** The last value of each option that was given, all of a list; the empty string for an optional value that was left out. */
export type FlagValues<Known extends Flags> = { readonly [Name in keyof Known]?: ValueOf<Known[Name]["kind"]> } & {
  /** -h or -help. */
  readonly help?: boolean;
};

export interface ParsedFlags<Known extends Flags> {
  readonly values: FlagValues<Known>;
  readonly positionals: readonly string[];
  /** Whether `--` ended the options. */
  readonly terminated: boolean;
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
export function parseFlags<const Known extends Flags>(argv: readonly string[], flags: Known): ParsedFlags<Known> {
  const values: Record<string, string | boolean | string[]> = {};
  const parsed = (positionals: readonly string[], terminated: boolean) => ({
    values: values as FlagValues<Known>,
    positionals,
    terminated,
  });
  let next = 0;
  for (;;) {
    const argument = argv[next];
    if (argument === undefined || argument === "-" || !argument.startsWith("-")) {
      return parsed(argv.slice(next), false);
    }
    next++;
    if (argument === "--") {
      return parsed(argv.slice(next), true);
    }
    const { name, value } = split(argument);
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (flag === undefined && (name === "h" || name === "help")) {
      values.help = true;
      return parsed([], false);
    }
    if (flag === undefined) {
      throw undefinedFlag(name, flags);
    }
    const following = argv[next];
    if (flag.kind === "boolean") {
      values[name] = parseBoolean(name, value ?? "true");
    } else if (value !== undefined) {
      values[name] = extended(flag, values[name], value);
    } else if (flag.kind === "optional" && !(following !== undefined && flag.accepts(following))) {
      values[name] = "";
    } else if (following !== undefined) {
      next++;
      values[name] = extended(flag, values[name], following);
    } else {
      throw new DutError("invalid_argument", `flag needs an argument: -${name}`);
    }
  }
}

function split(argument: string): { name: string; value: string | undefined } {
  const [, name = "", value] = /^--?([^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
  if (name === "" || name.startsWith("-")) {
    throw new DutError("invalid_argument", `bad flag syntax: ${argument}`);
  }
  return { name, value };
}

function undefinedFlag(name: string, flags: Flags): DutError {
  const meant = nearest(name, Object.keys(flags));
  return new DutError("invalid_argument", `flag provided but not defined: -${name}`, {
    ...(meant === undefined ? {} : { hint: `did you mean -${meant}?` }),
  });
}

function extended(flag: Flag, before: string | boolean | string[] | undefined, value: string): string | string[] {
  return flag.kind === "list" ? [...(Array.isArray(before) ? before : []), value] : value;
}

function parseBoolean(name: string, text: string): boolean {
  const value = Object.hasOwn(booleans, text) ? booleans[text] : undefined;
  if (value === undefined) {
    throw new DutError("invalid_argument", `invalid boolean value ${quote(text)} for -${name}: parse error`);
  }
  return value;
}

/** The flags as Go's PrintDefaults shows them, sorted by name. */
export function describeFlags(flags: Flags): string {
  return Object.entries(flags)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]) => {
      const value = flag.value ?? "string";
      const head = `  -${name}${{ boolean: "", string: ` ${value}`, list: ` ${value}`, optional: ` [${value}]` }[flag.kind]}`;
      const gap = head.length <= 4 ? "\t" : "\n    \t";
      const preset = flag.default === undefined ? "" : ` (default ${flag.default})`;
      return `${head}${gap}${flag.summary}${preset}\n`;
    })
    .join("");
}
