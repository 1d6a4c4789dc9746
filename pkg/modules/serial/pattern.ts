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

/** A compiled RE2 expression over bytes (UTF-8; any other byte is one character of its own). */
export interface Pattern {
  /** Bytes that a search keeps when it found nothing. */
  readonly window: number;
  /** Where the leftmost match ends, or undefined. */
  search(bytes: Uint8Array): number | undefined;
}

/** Throws invalid_argument with RE2's own sentence, or when a search with the pattern could take too long. */
export function compilePattern(source: string): Pattern {
  if (source.length > patternLimit) {
    throw tooLarge(source);
  }
  let expression: RE2JS | undefined = compile(source);
  const window = Math.min(matchWindow, Math.floor(searchBudget / expression.programSize()));
  if (window < smallestWindow) {
    throw tooLarge(source);
  }
  return {
    window,
    search(bytes) {
      expression ??= compile(source);
      // test() runs on the automaton that is fast and cannot say where; only a match pays for the other one.
      if (!expression.test(bytes)) {
        return undefined;
      }
      const matcher = expression.matcher(bytes);
      const end = matcher.find() ? matcher.end() : undefined;
      // The step is over, and the automaton may have grown to several megabytes.
      expression = undefined;
      return end;
    },
  };
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
