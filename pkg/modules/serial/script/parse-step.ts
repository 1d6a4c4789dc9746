import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";
import { decodeData } from "./data-escapes.ts";
import { compilePattern, type Pattern, quotePattern } from "./pattern.ts";
import { fillTemplate, isPlace, parseTemplate, type Template, type Variables } from "./template.ts";
import type { Words } from "./words.ts";

/** Characters of a step's argument that markers and errors show. */
const labelLimit = 20;

const usualBreakMs = 250;

/** What serial ports are asked for at most. */
const longestBreakMs = 3_000;

/** An expression of a script, whose variables may not be known yet. */
interface Expression {
  readonly label: string;
  pattern(variables: Variables): Pattern;
}

export type Step =
  | {
      readonly kind: "expect";
      readonly label: string;
      readonly alternatives: readonly Expression[];
      /** For this step, in milliseconds; undefined when it has no limit of its own. */
      readonly timeoutMs: number | undefined;
    }
  | { readonly kind: "fail-on"; readonly label: string; readonly expression: Expression }
  | {
      readonly kind: "send";
      readonly isSecret: boolean;
      readonly data: Template<Uint8Array>;
      readonly source: Template<string>;
      readonly lineEnding: string;
    }
  | { readonly kind: "break"; readonly milliseconds: number }
  | { readonly kind: "line"; readonly line: "dtr" | "rts"; readonly on: boolean };

/** What steps before this one have settled. */
interface StepContext {
  readonly lineEnding: string;
  /** The groups of their expressions. A step adds its own. */
  readonly known: Set<string>;
  readonly isAfterSecret: boolean;
}

/** Takes the words of one step. Throws invalid_argument in the words of the Go module; the value of a send-secret is in no message. */
export function parseStep(verb: string, words: Words, context: StepContext): Step {
  switch (verb) {
    case "expect":
      return parseExpect(words, context);
    case "fail-on": {
      const expression = parseExpression(words.next() ?? missing(verb, "pattern"), context);
      return { kind: "fail-on", label: expression.label, expression };
    }
    case "send":
    case "send-raw": {
      const source = words.next() ?? missing(verb, "data");
      return parseSend(source, quote(source), verb === "send" ? context.lineEnding : "", context);
    }
    case "send-secret":
      return parseSend(words.next() ?? missing(verb, "data"), undefined, context.lineEnding, context);
    case "break":
      return { kind: "break", milliseconds: breakLength(words.takeDuration()) };
    case "dtr":
    case "rts": {
      const level = words.next() ?? missing(verb, "level");
      if (level !== "on" && level !== "off") {
        throw new DutError("invalid_argument", `${verb} can be on or off, not ${quote(level)}`);
      }
      return { kind: "line", line: verb, on: level === "on" };
    }
    default:
      // After a secret this word may be the secret's second half, split at a blank that nobody quoted.
      throw new DutError(
        "invalid_argument",
        `unknown step verb ${context.isAfterSecret ? "***" : quote(verb)} (want expect, send, or send-raw)`,
        { hint: "send-secret, fail-on, break, dtr and rts are verbs as well; quote an argument that contains blanks" },
      );
  }
}

/** The argument of a step as markers and errors show it: cut and quoted. */
export function label(source: string): string {
  const characters = Array.from(source);
  return quote(characters.length > labelLimit ? `${characters.slice(0, labelLimit).join("")}...` : source);
}

function parseExpect(words: Words, context: StepContext): Step {
  const timeoutMs = words.takeTimeLimit();
  const sources = [words.next() ?? missing("expect", "pattern")];
  while (words.takeIf("or")) {
    sources.push(words.next() ?? missing("or", "pattern"));
  }
  const known = { ...context, known: new Set(context.known) };
  const alternatives = sources.map((source) => parseExpression(source, known));
  for (const { pattern } of alternatives) {
    for (const name of pattern(new Map()).groups) {
      context.known.add(name);
    }
  }
  return { kind: "expect", label: alternatives.map((each) => each.label).join(" or "), alternatives, timeoutMs };
}

function parseExpression(source: string, { known }: StepContext): Expression {
  const template = parseTemplate(source, known);
  const compileWith = (variables: Variables) =>
    compilePattern(fillTemplate(template, variables, quotePattern).join(""));
  const empty = compileWith(new Map());
  return { label: label(source), pattern: template.some(isPlace) ? compileWith : () => empty };
}

function parseSend(word: string, shown: string | undefined, lineEnding: string, { known }: StepContext): Step {
  const source = parseTemplate(word, known);
  const data = source.map((part) => (isPlace(part) ? part : decode(part, shown)));
  return { kind: "send", isSecret: shown === undefined, data, source, lineEnding };
}

function decode(source: string, shown: string | undefined): Uint8Array {
  try {
    return decodeData(source);
  } catch (error) {
    const hint = error instanceof DutError ? error.hint : undefined;
    const problem = shown === undefined ? "a backslash begins no known escape" : messageOf(error);
    const message = `invalid data ${shown ?? "of send-secret"}: ${problem}`;
    throw new DutError("invalid_argument", message, hint === undefined ? {} : { hint });
  }
}

function breakLength(given: number | undefined): number {
  const milliseconds = given ?? usualBreakMs;
  if (milliseconds > longestBreakMs) {
    throw new DutError(
      "invalid_argument",
      `a break of ${formatDuration(milliseconds)} is longer than ${formatDuration(longestBreakMs)}`,
    );
  }
  return milliseconds;
}

function missing(verb: string, what: string): never {
  throw new DutError("invalid_argument", `${quote(verb)} requires a ${what} argument`);
}
