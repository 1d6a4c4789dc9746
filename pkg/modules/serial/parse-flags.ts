import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";

const lineEndings = { cr: "\r", lf: "\n", crlf: "\r\n", none: "" } as const;

export interface Flags {
  /** For the whole run, in milliseconds; undefined when there is no limit. */
  readonly timeoutMs: number | undefined;
  readonly lineEnding: string;
  readonly keepEscapes: boolean;
  readonly interactive: boolean;
  /** What follows the flags. */
  readonly rest: readonly string[];
}

/** Go's flag syntax: one dash or two, `-t 5s` or `-t=5s`, up to the first other word or `--`. Throws invalid_argument. */
export function parseFlags(args: readonly string[]): Flags {
  const rest = [...args];
  let timeoutMs = 0;
  let eol = "cr";
  let keepEscapes = false;
  let interactive = false;
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
    } else if (name === "keep-escapes") {
      keepEscapes = given === undefined || truth(given, name);
    } else if (name === "i") {
      interactive = given === undefined || truth(given, name);
    } else {
      refuse(name === "h" || name === "help" ? "flag: help requested" : `flag provided but not defined: -${name}`);
    }
  }
  return {
    timeoutMs: timeoutMs > 0 ? timeoutMs : undefined,
    lineEnding: lineEnding(eol),
    keepEscapes,
    interactive,
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
    hint: "the flags are -i, -t, -eol and -keep-escapes; write -- before a step that looks like a flag",
  });
}
