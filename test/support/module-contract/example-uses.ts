import type { CommandConfig } from "#pkg/config/config.ts";
import { parseConfig } from "#pkg/config/parse-config.ts";
import { resolveArguments } from "#pkg/config/resolve-arguments.ts";
import { secretsElsewhere } from "#pkg/config/secrets/secret-source.ts";
import type { ConfiguredModule, ModuleKind } from "#pkg/modules/module.ts";
import { moduleKinds } from "#pkg/modules/modules.ts";
import { yamlBlocks } from "./module-readme.ts";

/** One entry of an example that uses the module. */
export interface ExampleUse {
  readonly module: ConfiguredModule;
  /** As the module is given them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What the module gets when a user gives `1` for each argument that the command declares. */
  readonly args: readonly string[];
}

export interface Examples {
  readonly commands: readonly CommandConfig[];
  readonly uses: readonly ExampleUse[];
}

/** What the YAML blocks of a module's README make of it. Throws what is wrong with them. */
export function examplesOf(kind: ModuleKind, readme: string): Examples {
  const given = new Map<ConfiguredModule, Readonly<Record<string, unknown>>>();
  const listening: ModuleKind = {
    ...kind,
    configure(options) {
      const module = kind.configure(options);
      given.set(module, options as Readonly<Record<string, unknown>>);
      return module;
    },
  };
  const kinds = [listening, ...moduleKinds.filter(({ name }) => name !== kind.name)];
  const commands = yamlBlocks(readme).flatMap(({ line, text }) => {
    const config = parseConfig(`README of ${kind.name} from line ${line}`, text, kinds, { secrets: secretsElsewhere });
    return Array.from(config.devices.values()).flatMap((device) => Array.from(device.commands.values()));
  });
  const args = commands.flatMap((command) => argumentsIn(command, kind.name));
  const uses = Array.from(given, ([module, options], index) => ({ module, options, args: args[index] ?? [] }));
  return { commands, uses };
}

function argumentsIn(command: CommandConfig, module: string): readonly (readonly string[])[] {
  const resolved = resolveArguments(
    command,
    command.arguments.map(() => "1"),
  );
  return resolved.filter((_, index) => command.uses[index]?.module.name === module);
}
