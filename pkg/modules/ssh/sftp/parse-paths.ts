import { posix } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { SshOptions } from "../options.ts";

/** What a run carries from where to where. One of the two is the client's, the other the board's. */
export interface Paths {
  readonly source: string;
  readonly destination: string;
}

/**
 * The options, and for what they leave open the arguments: `<source> [<destination>]`. A destination that nobody names has
 * the last name of the source. Throws invalid_argument.
 */
export function parsePaths(args: readonly string[], options: Pick<SshOptions, "source" | "destination">): Paths {
  const words = [...args];
  const source = options.source ?? words.shift();
  if (source === undefined || source === "") {
    throw new DutError("invalid_argument", "missing argument: the source");
  }
  const destination = options.destination ?? words.shift() ?? posix.basename(source);
  if (words.length > 0) {
    throw new DutError("invalid_argument", `too many arguments: ${args.length}`, {
      hint: "see the help of this command; a path with blanks is quoted",
    });
  }
  if (destination === "" || /(^|\/)\.{0,2}$/.test(destination)) {
    throw new DutError("invalid_argument", `the destination ${JSON.stringify(destination)} is not the name of a file`);
  }
  return { source, destination };
}
