import { DutError } from "#pkg/errors/dut-error.ts";
import type { Processes } from "#pkg/host/processes.ts";
import type { Resource } from "../module.ts";
import { wellAnswered } from "../tool/ask-tool.ts";
import { askToolInTime } from "../tool/ask-tool-in-time.ts";
import { confirm } from "../tool/confirm.ts";
import { findTool } from "../tool/find-tool.ts";

/** uhubctl asks every hub of the computer, and waits up to 5 s for one that does not answer. */
const answerMs = 20_000;

export type Power = "on" | "off";

/** Ports of a hub that are switched together. */
export interface Hub {
  readonly location: string;
  /** As users are told: `2 of hub 1-1`. */
  readonly name: string;
  /** Throws not_found when the hub or a port is not there. */
  look(signal: AbortSignal): Promise<ReadonlyMap<number, Power>>;
  /** Resolves when the hub shows all ports as they were wanted. Throws failed_precondition when it does not. */
  switch(power: Power, signal: AbortSignal): Promise<void>;
}

/** What a run that switches this port uses. */
export function portResource(location: string, port: number): Resource {
  return { kind: "USB port", name: `${port} of hub ${location}` };
}

/** Throws failed_precondition when there is no uhubctl. Whether the hub is there is not asked before it is used. */
export async function openHub(location: string, ports: readonly number[], processes: Processes): Promise<Hub> {
  const program = await findTool(processes, "uhubctl", "uhubctl");
  const name = `${ports.join(",")} of hub ${location}`;
  const ask = async (more: readonly string[], signal: AbortSignal) => {
    const args = [`--location=${location}`, `--ports=${ports.join(",")}`, ...more];
    const answer = await askToolInTime(processes, "uhubctl", { program, args, signal }, answerMs);
    refuseMissing(location, answer.stderr);
    return wellAnswered("uhubctl", answer);
  };
  const look = async (signal: AbortSignal) => {
    const powers = parsePowers(await ask([], signal));
    return new Map(
      ports.map((port) => {
        const power = powers.get(port);
        if (power === undefined) {
          throw new DutError("not_found", `uhubctl shows no port ${port} of hub ${location}`);
        }
        return [port, power] as const;
      }),
    );
  };
  return {
    location,
    name,
    look,
    async switch(power, signal) {
      await ask([`--action=${power}`], signal);
      await confirm(
        async () => Array.from((await look(signal)).values()).every((found) => found === power),
        () =>
          new DutError("failed_precondition", `USB port ${name} was switched ${power} and does not show it`, {
            hint: "many hubs say that they switch the power of each port and do not; uhubctl's documentation lists those that do",
          }),
        signal,
      );
    },
  };
}

function refuseMissing(location: string, said: string): void {
  if (said.includes("permission problems")) {
    throw new DutError("permission_denied", `the agent may not use the USB hub at ${location}`, {
      hint: "give its user the right to the hub with a udev rule; the README of usb-port has one",
    });
  }
  if (said.includes("No compatible devices detected")) {
    throw new DutError("not_found", `there is no USB hub at ${location} that switches the power of its ports`, {
      hint: "uhubctl without arguments lists those that there are",
    });
  }
}

/**
 * The last status of each port in what uhubctl prints: `  Port 2: 0503 power highspeed enable connect [0483:3748 …]`. A USB 3
 * port is one of two hubs, that of USB 2 and its own; it has power when either gives it.
 */
export function parsePowers(text: string): ReadonlyMap<number, Power> {
  const powers = new Map<number, Power>();
  for (const [, number, words = ""] of text.matchAll(/^ {2}Port (\d+): [0-9a-f]{4}((?: [\w.]+)*)/gm)) {
    const port = Number(number);
    const power = words.split(" ").includes("power") ? "on" : "off";
    powers.set(port, powers.get(port) === "on" ? "on" : power);
  }
  return powers;
}
