import type { CommandConfig, DeviceConfig, ModuleUse, When } from "#pkg/config/config.ts";
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

/** An entry of a command with its module open. */
export interface OpenStep {
  readonly name: string;
  readonly when: When;
  readonly module: OpenModule;
}

/** A command with its modules open, in order. */
export interface OpenCommand {
  readonly config: CommandConfig;
  /** Throws failed_precondition with the reasons when the command is disabled or its device retires. */
  modules(): readonly OpenStep[];
}

/** A device with everything open that would open. Disposing closes the modules, each within a limit. */
export interface OpenDevice extends AsyncDisposable {
  /** Another one with the same fingerprint may take its place. */
  config: DeviceConfig;
  readonly commands: ReadonlyMap<string, OpenCommand>;
  readonly failures: readonly OpenFailure[];
  /** Why no run is started any more; undefined while runs are. */
  retiring: string | undefined;
}

export interface OpenDeviceContext {
  readonly host: Host;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Opens the modules of a device one after another, since they may share hardware. A module that fails is logged, and a
 * failure of its command, never of the others.
 */
export async function openDevice(config: DeviceConfig, context: OpenDeviceContext): Promise<OpenDevice> {
  const opened: OpenUse[] = [];
  const commands = new Map<string, OpenCommand>();
  const device: OpenDevice = {
    config,
    commands,
    get failures() {
      return opened.flatMap((use) => (use.kind === "failed" ? [use.failure] : []));
    },
    retiring: undefined,
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((use) => (use.kind === "open" ? close(use, context.log) : undefined)));
    },
  };
  for (const command of config.commands.values()) {
    const uses: OpenUse[] = [];
    for (const use of command.uses) {
      uses.push(await openUse(use, config, command, context));
    }
    opened.push(...uses);
    commands.set(command.name, openCommand(device, command, uses));
  }
  for (const { command, module, error } of device.failures) {
    context.log.error("module error", { device: config.name, command, module, err: explain(error) });
  }
  return device;
}

type OpenUse = ({ readonly kind: "open" } & OpenStep) | { readonly kind: "failed"; readonly failure: OpenFailure };

async function openUse(
  { module, when }: ModuleUse,
  device: DeviceConfig,
  command: CommandConfig,
  { host, log, signal }: OpenDeviceContext,
): Promise<OpenUse> {
  const scoped = log.with({ scope: "module", device: device.name, command: command.name, module: module.name });
  const opening = (async () => module.open({ host, log: scoped, signal }))();
  try {
    return {
      kind: "open",
      name: module.name,
      when,
      module: await within(openMs, `opening module ${module.name}`, opening),
    };
  } catch (error) {
    opening.then(
      (late) => close({ name: module.name, module: late }, log),
      () => undefined,
    );
    return { kind: "failed", failure: { device: device.name, command: command.name, module: module.name, error } };
  }
}

function openCommand(device: OpenDevice, config: CommandConfig, uses: readonly OpenUse[]): OpenCommand {
  return {
    config,
    modules() {
      if (device.retiring !== undefined) {
        throw new DutError("failed_precondition", `device ${quote(device.config.name)}: ${device.retiring}`, {
          hint: "try again when that is done",
        });
      }
      return uses.map((use) => {
        if (use.kind === "open") {
          return use;
        }
        const { device, command, module, error } = use.failure;
        throw new DutError(
          "failed_precondition",
          `device ${quote(device)}: command ${quote(command)} is disabled: module ${module}: ${explain(error)}`,
          { cause: error },
        );
      });
    },
  };
}

async function close({ name, module }: { name: string; module: OpenModule }, log: Log): Promise<void> {
  try {
    await within(closeMs, `closing module ${name}`, module[Symbol.asyncDispose]());
  } catch (error) {
    log.error("module did not close, the device might be in an unknown state", { module: name, err: messageOf(error) });
  }
}
