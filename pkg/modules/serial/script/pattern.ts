import { RE2JS } from "re2js";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";

/** How far back a match may reach. */
const matchWindow = 64 * 1024;

/**
 * Instructions of a program times bytes of its window. A search costs at most some 60 ns for each (measured with
 * expressions made to be slow), and covers up to two windows: this number keeps it at half a second, and usual ones at a
 * few milliseconds. Programs of up to 64 instructions have the whole window.
 */
const searchBudget = 64 * matchWindow;

/** The smallest window worth having; a program that cannot have it is refused. */
const smallestWindow = 4 * 1024;

/** Compiling takes time too, and a longer pattern makes a program that is too large anyway. */
const patternLimit = 2_048;

/** Where the leftmost match of a pattern is, in bytes. */
export interface Match {
  readonly start: number;
  readonly end: number;
  /** What its named groups matched; those that took no part are missing. */
  readonly captured: ReadonlyMap<string, string>;
}

/** A compiled RE2 expression over bytes (UTF-8; any other byte is one character of its own). */
export interface Pattern {
  /** The names of its groups. */
  readonly groups: readonly string[];
  /** Bytes that a search keeps when it found nothing. */
  readonly window: number;
  search(bytes: Uint8Array): Match | undefined;
}

/** Throws invalid_argument with RE2's own sentence, or when a search with the pattern could take too long. */
export function compilePattern(source: string): Pattern {
  if (source.length > patternLimit) {
    throw tooLarge(source);
  }
  let expression: RE2JS | undefined = compile(source);
  const groups = Object.keys(expression.namedGroups());
  const window = Math.min(matchWindow, Math.floor(searchBudget / expression.programSize()));
  if (window < smallestWindow) {
    throw tooLarge(source);
  }
  return {
    groups,
    window,
    search(bytes) {
      expression ??= compile(source);
      // test() runs on the automaton that is fast and cannot say where; only a match pays for the other one.
      if (!expression.test(bytes)) {
        return undefined;
      }
      const matcher = expression.matcher(bytes);
      const isFound = matcher.find();
      // The step is over, and the automaton may have grown to several megabytes.
      expression = undefined;
      const captured = () =>
        groups.flatMap((name): [string, string][] => {
          const value = matcher.group(name);
          return value === null ? [] : [[name, value]];
        });
      return isFound ? { start: matcher.start(), end: matcher.end(), captured: new Map(captured()) } : undefined;
    },
  };
}

/** The expression that matches a text and nothing else. */
export function quotePattern(text: string): string {
  return RE2JS.quote(text);
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (error) {
    throw new DutError("invalid_argument", `invalid regular expression ${quote(source)}: ${messageOf(error)}`, {
      hint: "the syntax is RE2's: https://golang.org/s/re2syntax",
      cause: error,
    });
  }
}

function tooLarge(source: string): DutError {
  const start = source.length > 40 ? `${source.slice(0, 40)}...` : source;
  return new DutError("invalid_argument", `regular expression ${quote(start)} is too large`, {
    hint: "use fewer or smaller repetitions, or several expect steps",
  });
}
