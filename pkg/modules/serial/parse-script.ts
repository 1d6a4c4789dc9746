import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { decodeData } from "./data-escapes.ts";
import { parseFlags } from "./parse-flags.ts";
import { compilePattern, type Pattern } from "./pattern.ts";

/** No script that a person writes comes near; it bounds the time that compiling the patterns takes. */
const stepLimit = 1_000;

/** Characters of a step's argument that markers and errors show. */
const labelLimit = 20;

/** What a step shows of itself: its argument, cut and quoted, or `***`. */
interface Labelled {
  readonly label: string;
}

export type Step =
  | (Labelled & { readonly kind: "expect"; readonly pattern: Pattern })
  | (Labelled & { readonly kind: "send"; readonly payload: Uint8Array; readonly secret: Uint8Array | undefined });

/** One run: its flags and steps. No steps means watching, or talking with `interactive` or on a terminal. */
export interface Script {
  readonly timeoutMs: number | undefined;
  readonly keepEscapes: boolean;
  readonly interactive: boolean;
  readonly steps: readonly Step[];
}

/** Throws invalid_argument in the words of the Go module; the value of a send-secret is in no message. */
export function parseScript(args: readonly string[]): Script {
  const { timeoutMs, lineEnding, keepEscapes, interactive, rest } = parseFlags(args);
  if (interactive && rest.length > 0) {
    throw new DutError("invalid_argument", `-i takes no steps but got ${quote(rest[0] as string)}`, {
      hint: "run the steps first, then -i in a run of its own",
    });
  }
  if (rest.length > 2 * stepLimit) {
    throw new DutError("invalid_argument", `too many steps: at most ${stepLimit} are allowed`);
  }
  const steps: Step[] = [];
  for (let index = 0; index < rest.length; index += 2) {
    steps.push(parseStep(rest[index] as string, rest[index + 1], lineEnding, rest[index - 2] === "send-secret"));
  }
  return { timeoutMs, keepEscapes, interactive, steps };
}

function parseStep(verb: string, argument: string | undefined, lineEnding: string, afterSecret: boolean): Step {
  switch (verb) {
    case "expect": {
      const source = argument ?? missing(verb, "pattern");
      return { kind: "expect", pattern: compilePattern(source), label: label(source) };
    }
    case "send":
    case "send-raw": {
      const source = argument ?? missing(verb, "data");
      const payload = Buffer.concat([decode(source, quote(source)), Buffer.from(verb === "send" ? lineEnding : "")]);
      return { kind: "send", payload, secret: undefined, label: label(source) };
    }
    case "send-secret": {
      const secret = decode(argument ?? missing(verb, "data"), "of send-secret");
      return { kind: "send", payload: Buffer.concat([secret, Buffer.from(lineEnding)]), secret, label: "***" };
    }
    default:
      // After a secret this word may be the secret's second half, split at a blank that nobody quoted.
      throw new DutError(
        "invalid_argument",
        `unknown step verb ${afterSecret ? "***" : quote(verb)} (want expect, send, or send-raw)`,
        { hint: "send-secret is a verb as well; quote an argument that contains blanks" },
      );
  }
}

function decode(source: string, shown: string): Uint8Array {
  try {
    return decodeData(source);
  } catch (error) {
    const hint = error instanceof DutError ? error.hint : undefined;
    const problem = shown.startsWith('"') ? messageOf(error) : "a backslash begins no known escape";
    throw new DutError("invalid_argument", `invalid data ${shown}: ${problem}`, hint === undefined ? {} : { hint });
  }
}

function missing(verb: string, what: string): never {
  throw new DutError("invalid_argument", `${quote(verb)} requires a ${what} argument`);
}

function label(source: string): string {
  const characters = Array.from(source);
  return quote(characters.length > labelLimit ? `${characters.slice(0, labelLimit).join("")}...` : source);
}
