import { DutError } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";

const names = ["on", "off", "toggle", "cycle", "status"] as const;

export type PowerCommand =
  | { readonly name: Exclude<(typeof names)[number], "cycle"> }
  /** `delayMs` is undefined when the user did not say it. */
  | { readonly name: "cycle"; readonly delayMs: number | undefined };

const available = `available commands: ${names.join(", ")}`;

/** Names are taken in any case, as the Go module takes them. Throws invalid_argument. */
export function parsePowerCommand([word, ...rest]: readonly string[]): PowerCommand {
  if (word === undefined) {
    throw new DutError("invalid_argument", `no command specified, ${available}`);
  }
  const name = names.find((known) => known === word.toLowerCase());
  if (name === undefined) {
    throw new DutError("invalid_argument", `unknown command ${quote(word)}, ${available}`);
  }
  if (rest.length > (name === "cycle" ? 1 : 0)) {
    throw new DutError("invalid_argument", `too many arguments after ${name}`, {
      hint: name === "cycle" ? "only a duration may follow, such as 10s" : `nothing may follow ${name}`,
    });
  }
  return name === "cycle" ? { name, delayMs: parseDelay(rest[0]) } : { name };
}

function parseDelay(text: string | undefined): number | undefined {
  const delayMs = text === undefined ? undefined : parseDuration(text);
  if (delayMs !== undefined && delayMs < 0) {
    throw new DutError("invalid_argument", `the duration ${text} is negative`);
  }
  return delayMs;
}
