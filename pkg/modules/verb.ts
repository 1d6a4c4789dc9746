import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";

/**
 * The one word that says what to do, of a module that takes no other argument. Throws invalid_argument with the words that
 * there are.
 */
export function parseVerb<Verb extends string>(args: readonly string[], verbs: readonly Verb[]): Verb {
  const hint = `use ${verbs.slice(0, -1).join(", ")} or ${verbs.at(-1)}`;
  const [word, ...rest] = args;
  if (word === undefined) {
    throw new DutError("invalid_argument", "nothing to do was given", { hint });
  }
  const verb = verbs.find((candidate) => candidate === word);
  if (verb === undefined) {
    throw new DutError("invalid_argument", `unknown argument: ${quote(word)}`, { hint });
  }
  if (rest.length > 0) {
    throw new DutError("invalid_argument", `${verb} takes no arguments but got ${quote(rest.join(" "))}`, { hint });
  }
  return verb;
}
