import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import { formatDuration, parseDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Line } from "../gpio/line.ts";
import { claimOf, type LinePlan, levelOf, lineOptions, nameOf, resourceOf } from "../gpio/line-options.ts";
import { useLine } from "../gpio/shared-lines.ts";
import { putBack } from "../hardware/put-back.ts";
import { type Call, defineModule } from "../module.ts";
import { pause } from "../pause.ts";

const usualPress = "500ms";

/** Longer than any board wants its button held. */
const longestPressMs = 60 * 60 * 1000;

const config = z.strictObject(lineOptions);

/** Presses a button that is wired to an output line of a GPIO chip. */
export const gpioButton = defineModule({
  name: "gpio-button",
  summary: "press a button that is wired to a GPIO line",
  config,
  claims: (options) => [claimOf(planOf(options))],
  resources: (options) => [resourceOf(planOf(options))],
  help(options) {
    const plan = planOf(options);
    return `[duration]    presses the button, for ${usualPress} unless a duration such as 200ms or 5s is given

Pressed is ${nameOf(plan)} driven ${levelOf("on", plan)}. It is released at any other time.
`;
  },
  async open(options, context) {
    const use = await useLine(planOf(options), context);
    return {
      run: (call) => press(call, use.thing),
      [Symbol.asyncDispose]: () => use[Symbol.asyncDispose](),
    };
  },
});

function planOf({ pin, chip, activelow }: z.output<typeof config>): LinePlan {
  return { pin, chip, purpose: "button", activeLow: activelow, rest: "off" };
}

async function press(call: Call, line: Line): Promise<void> {
  const { args, session, signal } = call;
  const milliseconds = parsePress(args);
  const news = await line.ensureHeld(signal);
  if (news !== undefined) {
    await session.print(`${news}\n`);
  }
  signal.throwIfAborted();
  try {
    await line.set("on");
    await heldFor(milliseconds, line, signal);
  } finally {
    await putBack(call, `the button on ${nameOf(line.plan)} may still be pressed`, () => line.set("off"));
  }
  await session.print(`Button pressed for ${formatDuration(milliseconds)}\n`);
}

/** Throws when the line is let go meanwhile. */
async function heldFor(milliseconds: number, line: Line, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([pause(milliseconds, AbortSignal.any([signal, over.signal])), line.lost()]);
  } finally {
    over.abort();
  }
}

function parsePress([duration = usualPress, ...rest]: readonly string[]): number {
  if (rest.length > 0) {
    throw new DutError("invalid_argument", `a press takes one duration but got ${quote(rest.join(" "))} too`);
  }
  const milliseconds = parseDuration(duration);
  if (milliseconds <= 0 || milliseconds > longestPressMs) {
    throw new DutError("invalid_argument", `a button cannot be pressed for ${duration}`, {
      hint: `give a duration of more than 0s and at most ${formatDuration(longestPressMs)}`,
    });
  }
  return milliseconds;
}
