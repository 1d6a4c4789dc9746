import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";

/** The longest name of a device or a command, in characters. */
export const nameCharacters = 64;

/** How much of a name that is too long is shown, in characters. */
const shownCharacters = 32;

/** Why a text cannot be the name of a device or a command, as in `must not be longer than 64 characters`; undefined when it can. */
export function problemOfName(name: string): string | undefined {
  if (/\p{Cc}/u.test(name)) {
    return "must not contain control characters";
  }
  return name.length > nameCharacters && Array.from(name).length > nameCharacters
    ? `must not be longer than ${nameCharacters} characters`
    : undefined;
}

/** Throws invalid_argument for a name that nothing can have, before it is looked for, logged or told to anybody. */
export function refuseUnfitName(what: "device" | "command", name: string): void {
  const problem = problemOfName(name);
  if (problem !== undefined) {
    const shown =
      name.length > nameCharacters ? `${quote(name.slice(0, shownCharacters).toWellFormed())}…` : quote(name);
    throw new DutError("invalid_argument", `the name of a ${what} ${problem}: ${shown}`);
  }
}
