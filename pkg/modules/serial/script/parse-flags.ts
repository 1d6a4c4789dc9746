import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";

const lineEndings = { cr: "\r", lf: "\n", crlf: "\r\n", none: "" } as const;

/** More lines than the largest history holds of any use. */
const mostLines = 1_000_000;

export interface Flags {
  /** For the whole run, in milliseconds; undefined when there is no limit. */
  readonly timeoutMs: number | undefined;
  readonly lineEnding: string;
  readonly keepEscapes: boolean;
  readonly interactive: boolean;
  /** How many lines of what was recorded come first; undefined when they were not asked for. */
  readonly history: number | undefined;
  /** The recorded lines are all that is wanted. */
  readonly noFollow: boolean;
  /** The device is taken from a run that offers it. */
  readonly take: boolean;
  /** The device is offered to others, and not only to its owner's other runs. */
  readonly share: boolean;
}

/** What the flags say, and the words behind them. */
export interface ParsedFlags {
  readonly flags: Flags;
  readonly rest: readonly string[];
}

/** Go's flag syntax: one dash or two, `-t 5s` or `-t=5s`, up to the first other word or `--`. Throws invalid_argument. */
export function parseFlags(args: readonly string[]): ParsedFlags {
  const rest = [...args];
  let timeoutMs = 0;
  let eol = "cr";
  let history: number | undefined;
  const on = { "keep-escapes": false, i: false, "no-follow": false, take: false, share: false };
  for (let word = rest[0]; word !== undefined && word.length > 1 && word.startsWith("-"); word = rest[0]) {
    rest.shift();
    if (word === "--") {
      break;
    }
    const [, name = "", given] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const value = () => given ?? rest.shift() ?? refuse(`flag needs an argument: -${name}`);
    if (name === "" || name.startsWith("-")) {
      refuse(`bad flag syntax: ${word}`);
    } else if (name === "t") {
      timeoutMs = duration(value());
    } else if (name === "eol") {
      eol = value();
    } else if (name === "history") {
      history = lines(value());
    } else if (Object.hasOwn(on, name)) {
      on[name as keyof typeof on] = given === undefined || truth(given, name);
    } else {
      refuse(name === "h" || name === "help" ? "flag: help requested" : `flag provided but not defined: -${name}`);
    }
  }
  return {
    flags: {
      timeoutMs: timeoutMs > 0 ? timeoutMs : undefined,
      lineEnding: lineEnding(eol),
      keepEscapes: on["keep-escapes"],
      interactive: on.i,
      history,
      noFollow: on["no-follow"],
      take: on.take,
      share: on.share,
    },
    rest,
  };
}

function duration(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new DutError(
      "invalid_argument",
      `failed to parse arguments: invalid value ${quote(text)} for flag -t: parse error`,
      { hint: messageOf(error), cause: error },
    );
  }
}

function lines(text: string): number {
  const number = /^[0-9]{1,7}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
  return number <= mostLines ? number : refuse(`invalid value ${quote(text)} for flag -history: parse error`);
}

function truth(text: string, flag: string): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) {
    return true;
  }
  return /^(0|f|F|false|FALSE|False)$/.test(text)
    ? false
    : refuse(`invalid boolean value ${quote(text)} for -${flag}: parse error`);
}

function lineEnding(name: string): string {
  const known = name.toLowerCase();
  if (!Object.hasOwn(lineEndings, known)) {
    throw new DutError("invalid_argument", `invalid -eol ${quote(name)}: want cr, lf, crlf, or none`);
  }
  return lineEndings[known as keyof typeof lineEndings];
}

function refuse(problem: string): never {
  throw new DutError("invalid_argument", `failed to parse arguments: ${problem}`, {
    hint: "the flags are -i, -t, -history, -no-follow, -take, -share, -eol and -keep-escapes; write -- before a step that looks like a flag",
  });
}
