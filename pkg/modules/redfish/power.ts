import { DutError } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import type { Call } from "../module.ts";
import { confirmPower, type PowerState, watchCycle } from "../power/confirm-power.ts";
import type { Watch } from "../power/read-until.ts";
import type { RedfishOptions } from "./options.ts";
import type { PowerAction } from "./parse-action.ts";
import type { Service } from "./service.ts";
import { readReset, readSystem } from "./system.ts";

/** The values of ResetType that do what is wanted, the best first (schema Resource, ResetType). */
const resetTypes: Readonly<Record<PowerAction, readonly string[]>> = {
  on: ["On", "ForceOn"],
  off: ["ForceOff"],
  soft: ["GracefulShutdown"],
  cycle: ["PowerCycle"],
  reset: ["ForceRestart"],
  nmi: ["Nmi"],
};

/** Sends what switches a system, reads back what has become of it, and says both. */
export async function switchPower(
  action: PowerAction,
  service: Service,
  path: string,
  options: RedfishOptions,
  { session, signal }: Call,
): Promise<void> {
  const system = await readSystem(service, path);
  const { target, types } = await readReset(service, system);
  const watch: Watch<PowerState> = {
    read: async () => powerOf(await readSystem(service, path)),
    withinMs: parseDuration(action === "soft" ? options.grace : options.confirm),
    signal,
  };
  const send = async (wanted: PowerAction) => {
    const [known = ""] = resetTypes[wanted];
    const type = types === undefined ? known : resetTypes[wanted].find((value) => types.includes(value));
    if (type === undefined) {
      throw new DutError("unimplemented", `the service does not offer ${known} for this system`, {
        hint: `it offers ${types?.join(", ") || "nothing"}`,
      });
    }
    await service.post(target, { ResetType: type });
    await session.print(`Power ${wanted.toUpperCase()} command sent\n`);
  };

  const before = powerOf(system);
  switch (action) {
    case "on":
    case "off":
    case "soft": {
      const wanted = action === "on" ? "on" : "off";
      if (before !== wanted) {
        await send(action);
        await confirmPower(wanted, watch);
      }
      break;
    }
    case "cycle":
      if (types === undefined || types.includes("PowerCycle")) {
        await send("cycle");
        if (!(await watchCycle(watch))) {
          await session.print("The service did not show the power off in between\n");
        }
      } else {
        await send("off");
        await confirmPower("off", watch);
        await send("on");
        await confirmPower("on", watch);
      }
      break;
    case "reset":
    case "nmi":
      await send(action);
      await session.print(`What a ${action === "nmi" ? "NMI" : "reset"} does is not in the power status\n`);
      break;
  }
  await showPower(service, path, session);
}

export async function showPower(service: Service, path: string, session: Call["session"]): Promise<void> {
  const power = powerOf(await readSystem(service, path));
  await session.print(`Device power status: ${power[0]?.toUpperCase()}${power.slice(1)}\n`);
}

function powerOf({ content: { Id, PowerState: power } }: Awaited<ReturnType<typeof readSystem>>): PowerState {
  if (power === undefined || power === null || power === "") {
    throw new DutError("failed_precondition", `the service does not know the power of the system ${Id}`);
  }
  return power.toLowerCase();
}
