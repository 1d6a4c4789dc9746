import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { type Flags, parseFlags } from "./parse-flags.ts";
import { parseStep, type Step } from "./parse-step.ts";
import { Words } from "./words.ts";

/** No script that a person writes comes near; it bounds the time that compiling the patterns takes. */
const stepLimit = 1_000;

/** One run: its flags and steps. No steps means watching, or talking with `interactive` or on a terminal. */
export interface Script extends Flags {
  readonly steps: readonly Step[];
}

/** Throws invalid_argument in the words of the Go module; the value of a send-secret is in no message. */
export function parseScript(args: readonly string[]): Script {
  const { flags, rest } = parseFlags(args);
  refuseContradictions(flags, rest);
  const words = new Words(rest);
  const known = new Set<string>();
  const steps: Step[] = [];
  for (let verb = words.next(), before = ""; verb !== undefined; before = verb, verb = words.next()) {
    if (steps.length === stepLimit) {
      throw new DutError("invalid_argument", `too many steps: at most ${stepLimit} are allowed`);
    }
    const isAfterSecret = before === "send-secret";
    steps.push(parseStep(verb, words, { lineEnding: flags.lineEnding, known, isAfterSecret }));
  }
  return { ...flags, steps };
}

function refuseContradictions({ interactive, noFollow, history }: Flags, rest: readonly string[]): void {
  const [first] = rest;
  if (interactive && first !== undefined) {
    throw new DutError("invalid_argument", `-i takes no steps but got ${quote(first)}`, {
      hint: "run the steps first, then -i in a run of its own",
    });
  }
  if (noFollow && (history === undefined || interactive || first !== undefined)) {
    throw new DutError("invalid_argument", "-no-follow goes with -history alone: it shows recorded lines and ends");
  }
}
