import { DutError } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import { putBack } from "../hardware/put-back.ts";
import type { Call } from "../module.ts";
import { confirmPower, type PowerState, watchCycle } from "../power/confirm-power.ts";
import { readUntil, type Watch } from "../power/read-until.ts";
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
  call: Call,
): Promise<void> {
  const { session, signal } = call;
  const system = await readSystem(service, path);
  const { target, types } = await readReset(service, system);
  const watch: Watch<PowerState> = {
    read: async () => powerOf(await readSystem(service, path)),
    withinMs: parseDuration(action === "soft" ? options.grace : options.confirm),
    signal,
  };
  const tell = async (wanted: PowerAction, by: Service) => {
    const [known = ""] = resetTypes[wanted];
    const type = types === undefined ? known : resetTypes[wanted].find((value) => types.includes(value));
    if (type === undefined) {
      throw new DutError("unimplemented", `the service does not offer ${known} for this system`, {
        hint: `it offers ${types?.join(", ") || "nothing"}`,
      });
    }
    await by.post(target, { ResetType: type });
  };
  const send = async (wanted: PowerAction) => {
    await tell(wanted, service);
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
        try {
          await send("off");
          await confirmPower("off", watch);
          await send("on");
        } catch (error) {
          if (signal.aborted) {
            const again = service.afterwards();
            await putBack(call, `the system at ${options.host} may be off`, async () => {
              await seenOff(again, path);
              await tell("on", again);
            });
          }
          throw error;
        }
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

/** Waits a moment until the system is not on any more: one that is yet to go off takes being switched on for nothing. */
async function seenOff(service: Service, path: string): Promise<void> {
  const read = async () => powerOf(await readSystem(service, path));
  await readUntil({ read, withinMs: 2_000, signal: new AbortController().signal }, (power) => power !== "on");
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
