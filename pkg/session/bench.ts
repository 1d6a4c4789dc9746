import type { AgentConfig, CommandConfig, DeviceConfig, ModuleUse } from "#pkg/config/config.ts";
import { DutError, explain, messageOf } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Log } from "#pkg/log/log.ts";
import type { OpenModule } from "#pkg/modules/module.ts";
import { within } from "./time-limit.ts";

/** A module that takes longer to open or close is taken for stuck. */
const openMs = 60_000;
const closeMs = 10_000;

/** A module that would not open. The commands that use it are disabled with this reason. */
export interface OpenFailure {
  readonly device: string;
  readonly command: string;
  readonly module: string;
  readonly error: unknown;
}

/** A command with its modules open, in order. */
export interface OpenCommand {
  readonly config: CommandConfig;
  /** Throws failed_precondition with the reasons when the command is disabled. */
  modules(): readonly { readonly name: string; readonly module: OpenModule }[];
}

/** The devices of an agent with everything open that would open. Disposing closes the modules, each within a limit. */
export interface Bench extends AsyncDisposable {
  readonly config: AgentConfig;
  readonly devices: ReadonlyMap<string, ReadonlyMap<string, OpenCommand>>;
  readonly failures: readonly OpenFailure[];
}

interface BenchContext {
  readonly host: Host;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Opens every module of every command: devices side by side, the modules of one device one after another, since they may
 * share hardware. A module that fails is a failure of its command, never of the others.
 */
export async function openBench(config: AgentConfig, context: BenchContext): Promise<Bench> {
  const opened: OpenUse[] = [];
  const devices = await Promise.all(
    Array.from(config.devices.values(), async (device) => {
      const commands = new Map<string, OpenCommand>();
      for (const command of device.commands.values()) {
        const uses: OpenUse[] = [];
        for (const use of command.uses) {
          uses.push(await openUse(use, device, command, context));
        }
        opened.push(...uses);
        commands.set(command.name, openCommand(command, uses));
      }
      return [device.name, commands] as const;
    }),
  );
  return {
    config,
    devices: new Map(devices),
    failures: opened.flatMap((use) => (use.kind === "failed" ? [use.failure] : [])),
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((use) => (use.kind === "open" ? close(use, context.log) : undefined)));
    },
  };
}

type OpenUse =
  | { readonly kind: "open"; readonly name: string; readonly module: OpenModule }
  | { readonly kind: "failed"; readonly failure: OpenFailure };

async function openUse(
  { module }: ModuleUse,
  device: DeviceConfig,
  command: CommandConfig,
  { host, log, signal }: BenchContext,
): Promise<OpenUse> {
  const scoped = log.with({ scope: "module", device: device.name, command: command.name, module: module.name });
  const opening = (async () => module.open({ host, log: scoped, signal }))();
  try {
    return { kind: "open", name: module.name, module: await within(openMs, `opening module ${module.name}`, opening) };
  } catch (error) {
    opening.then(
      (late) => close({ name: module.name, module: late }, log),
      () => undefined,
    );
    return { kind: "failed", failure: { device: device.name, command: command.name, module: module.name, error } };
  }
}

function openCommand(config: CommandConfig, uses: readonly OpenUse[]): OpenCommand {
  return {
    config,
    modules: () =>
      uses.map((use) => {
        if (use.kind === "open") {
          return use;
        }
        const { device, command, module, error } = use.failure;
        throw new DutError(
          "failed_precondition",
          `device ${quote(device)}: command ${quote(command)} is disabled: module ${module}: ${explain(error)}`,
          { cause: error },
        );
      }),
  };
}

async function close({ name, module }: { name: string; module: OpenModule }, log: Log): Promise<void> {
  try {
    await within(closeMs, `closing module ${name}`, module[Symbol.asyncDispose]());
  } catch (error) {
    log.error("module did not close, the device might be in an unknown state", { module: name, err: messageOf(error) });
  }
}
