import { z } from "zod";
import type { Line } from "../gpio/line.ts";
import { claimOf, type LinePlan, levelOf, lineOptions, nameOf, resourceOf, type State } from "../gpio/line-options.ts";
import { useLine } from "../gpio/shared-lines.ts";
import { type Call, defineModule } from "../module.ts";
import { parseVerb } from "../verb.ts";

const config = z.strictObject({
  ...lineOptions,
  initial: z
    .string()
    .regex(/^(?:on|off)$/i, { error: "expected on or off" })
    .default("off")
    .describe("what the line is driven to when the agent starts and before it lets go of it: on or off"),
});

/** Drives one output line of a GPIO chip: a relay, a power enable, a boot mode. */
export const gpioSwitch = defineModule({
  name: "gpio-switch",
  summary: "switch a GPIO line on and off",
  config,
  claims: (options) => [claimOf(planOf(options))],
  resources: (options) => [resourceOf(planOf(options))],
  help(options) {
    const plan = planOf(options);
    return `on        drive ${nameOf(plan)} ${levelOf("on", plan)}
off       drive it ${levelOf("off", plan)}
toggle    change it
status    say whether it is on; so does no argument at all

It is ${plan.rest} when the agent starts and when it stops.
`;
  },
  async open(options, context) {
    const use = await useLine(planOf(options), context);
    return {
      run: (call) => run(call, use.thing),
      [Symbol.asyncDispose]: () => use[Symbol.asyncDispose](),
    };
  },
});

function planOf(options: z.output<typeof config>): LinePlan {
  return {
    pin: options.pin,
    chip: options.chip,
    purpose: "switch",
    activeLow: options.activelow,
    rest: options.initial.toLowerCase() === "on" ? "on" : "off",
  };
}

async function run({ args, session, signal }: Call, line: Line): Promise<void> {
  const wanted = args.length === 0 ? "status" : parseVerb(args, ["on", "off", "toggle", "status"]);
  const news = await line.ensureHeld(signal);
  if (news !== undefined) {
    await session.print(`${news}\n`);
  }
  if (wanted === "status") {
    await session.print(`Current state: ${line.state}\n`);
    return;
  }
  const state = wanted === "toggle" ? opposite[line.state] : wanted;
  if (state === line.state) {
    await session.print(`Already ${state}\n`);
    return;
  }
  await line.set(state);
  await session.print(`Turned ${state}\n`);
}

const opposite: Readonly<Record<State, State>> = { on: "off", off: "on" };
