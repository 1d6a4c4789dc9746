import { DutError } from "#pkg/errors/dut-error.ts";
import type { CommandConfig } from "./config.ts";
import { expandShellTemplate, parseShellTemplate } from "./shell/shell-template.ts";
import { expandTemplate } from "./template.ts";

/**
 * What each module of the command gets, in the order of `uses`, when a user gives these arguments.
 * Throws invalid_argument when the command cannot take them.
 */
export function resolveArguments(
  command: CommandConfig,
  runtimeArgs: readonly string[],
): readonly (readonly string[])[] {
  const isPassthrough = command.uses.some((use) => use.passthrough);
  const declared = command.arguments.map((argument) => argument.name);
  if (!isPassthrough && declared.length === 0 && runtimeArgs.length > 0) {
    throw new DutError(
      "invalid_argument",
      "arguments provided but command has neither a passthrough module nor declared arguments to receive them",
      { hint: "run it without arguments" },
    );
  }
  if (!isPassthrough && declared.length !== runtimeArgs.length) {
    throw new DutError("invalid_argument", `expected ${declared.length} argument(s) but got ${runtimeArgs.length}`, {
      hint: `give ${declared.map((name) => `<${name}>`).join(" ")}`,
    });
  }
  const values = new Map(declared.map((name, position) => [name, runtimeArgs[position] as string]));
  const lookUp = (name: string) => values.get(name) as string;
  return command.uses.map(({ passthrough, args }) =>
    passthrough
      ? runtimeArgs
      : args.map(({ text, quoted }) =>
          quoted ? expandShellTemplate(parseShellTemplate(text), lookUp) : expandTemplate(text, lookUp),
        ),
  );
}
