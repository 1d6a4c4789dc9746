import type { ConfiguredModule } from "#pkg/modules/module.ts";

/** What an agent offers, in the order of the file. Everything in it has been checked; nothing has been opened. */
export interface AgentConfig {
  readonly devices: ReadonlyMap<string, DeviceConfig>;
}

export interface DeviceConfig {
  readonly name: string;
  /** Empty when the file has none. */
  readonly description: string;
  /** At least one. */
  readonly commands: ReadonlyMap<string, CommandConfig>;
}

export interface CommandConfig {
  readonly name: string;
  /** Empty when the file has none. */
  readonly description: string;
  /** The arguments that a user gives, by position. Empty for a static and for a passthrough command. */
  readonly arguments: readonly ArgumentConfig[];
  /** The modules in the order they run: at least one. */
  readonly uses: readonly ModuleUse[];
}

export interface ArgumentConfig {
  readonly name: string;
  /** Empty when the file has none. */
  readonly description: string;
}

export interface ModuleUse {
  readonly module: ConfiguredModule;
  /** Whether this module gets what the user typed, as it is. True for one module of a command at most. */
  readonly passthrough: boolean;
  /** As written, with `${name}` and `$${name}`: `resolveArguments` turns them into what the module gets. */
  readonly args: readonly string[];
}
