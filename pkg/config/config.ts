import type { ConfiguredModule } from "#pkg/modules/module.ts";
import type { Problem } from "./config-error.ts";

/** What an agent offers, in the order of the file. Everything in it has been checked; nothing has been opened. */
export interface AgentConfig {
  readonly devices: ReadonlyMap<string, DeviceConfig>;
  /** Every secret among the options, for hiding them in what is told of a device as a whole. */
  readonly secrets: ReadonlySet<string>;
  /** What is allowed and probably not meant, by position. */
  readonly warnings: readonly Problem[];
}

export interface DeviceConfig {
  readonly name: string;
  /** Empty when the file has none. */
  readonly description: string;
  /** For finding and grouping devices: short texts without control characters, in the order of the file. */
  readonly labels: ReadonlyMap<string, string>;
  /** Equal for two devices whose commands are the same, values of secrets included. */
  readonly fingerprint: string;
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
  /** How long an attempt may take, in milliseconds; undefined for as long as it takes. */
  readonly timeoutMs: number | undefined;
  /** How often an attempt that failed is repeated at most. */
  readonly retries: number;
  /** What is waited before that, in milliseconds; undefined for nothing. */
  readonly retryAfterMs: number | undefined;
}

/** When an entry of `uses` runs: if nothing failed before it, only if something did, or in any case. */
export const whens = ["success", "failure", "always"] as const;

export type When = (typeof whens)[number];

export interface ArgumentConfig {
  readonly name: string;
  /** Empty when the file has none. */
  readonly description: string;
}

export interface ModuleUse {
  readonly module: ConfiguredModule;
  readonly when: When;
  /** Whether this module gets what the user typed, as it is. True for one module of a command at most. */
  readonly passthrough: boolean;
  /** As written, with `${name}` and `$${name}`: `resolveArguments` turns them into what the module gets. */
  readonly args: readonly ArgumentTemplate[];
}

/** One argument of a module, and how what a user gives is put into it. */
export interface ArgumentTemplate {
  readonly text: string;
  /** Whether a shell reads it, so that values are quoted for that shell. */
  readonly quoted: boolean;
}
