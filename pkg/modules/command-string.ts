import { DutError } from "#pkg/errors/dut-error.ts";

/**
 * The one argument of a module that runs what a shell reads. Undefined when there is none, which only an interactive one
 * may do without. Throws invalid_argument.
 */
export function commandString(
  args: readonly string[],
  { interactive }: { readonly interactive: boolean },
): string | undefined {
  const [command] = args;
  if (command === undefined && !interactive) {
    throw new DutError("invalid_argument", "missing command-string");
  }
  if (args.length > 1) {
    throw new DutError(
      "invalid_argument",
      "too many arguments - if the command-string contains spaces or special characters, quote it",
    );
  }
  return command;
}
