import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import type { Call } from "../module.ts";
import { confirmPower } from "../power/confirm-power.ts";
import type { Kvm } from "./kvm.ts";
import type { PikvmOptions } from "./options.ts";
import type { Button, PowerCommand } from "./parse-action.ts";

const atx = z.object({ enabled: z.boolean(), leds: z.object({ power: z.boolean() }) });

/** What the API calls the commands. */
const actions = { on: "on", off: "off", "force-off": "off_hard", reset: "reset_hard" } as const;

/** A long press takes more than 5 seconds, and the API answers when the button is up again. */
const pressMs = 10_000;

/** Presses what switches the device, and reads from its power LED what has become of it. */
export async function switchPower(
  command: PowerCommand,
  kvm: Kvm,
  options: PikvmOptions,
  { session, signal }: Call,
): Promise<void> {
  const wanted = command === "on" || command === "reset" ? "on" : "off";
  const before = await readPower(kvm);
  if (command === "reset" && before === "off") {
    throw new DutError("failed_precondition", "the device is off: its reset button does nothing", {
      hint: "switch it on",
    });
  }
  if (command === "reset" || before !== wanted) {
    await kvm.post("/api/atx/power", { action: actions[command], wait: "1" }, { moreMs: pressMs });
    await session.print(`Power ${command.toUpperCase()} command sent\n`);
    const withinMs = parseDuration(command === "off" ? options.grace : options.confirm);
    await confirmPower(wanted, { read: () => readPower(kvm), withinMs, signal });
  }
  if (command === "reset") {
    await session.print("A reset does not show in the power LED\n");
  }
  await session.print(renderPower(wanted));
}

export async function showPower(kvm: Kvm, { session }: Call): Promise<void> {
  await session.print(renderPower(await readPower(kvm)));
}

export async function click(button: Button, kvm: Kvm, { session }: Call): Promise<void> {
  await readPower(kvm);
  await kvm.post("/api/atx/click", { button, wait: "1" }, { moreMs: pressMs });
  await session.print(`Pressed ${button.replace("_", "-")}\n`);
}

async function readPower(kvm: Kvm): Promise<"on" | "off"> {
  const { enabled, leds } = await kvm.get("/api/atx", atx);
  if (!enabled) {
    throw new DutError("failed_precondition", "the PiKVM has no ATX control", {
      hint: "wire the device's power button, reset button and LED to it, and switch it on in its configuration",
    });
  }
  return leds.power ? "on" : "off";
}

function renderPower(power: "on" | "off"): string {
  return `Device power status: ${power === "on" ? "On" : "Off"}\n`;
}
