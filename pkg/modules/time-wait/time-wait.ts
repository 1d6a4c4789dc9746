import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { formatDuration, parseDuration } from "#pkg/golang/duration.ts";
import { durationOption } from "../duration-option.ts";
import { defineModule } from "../module.ts";

/** The longest time that a timer of Node takes, nearly 25 days. */
const longestTimerMs = 2 ** 31 - 1;

/** Lets time pass between two other modules of a command. */
export const timeWait = defineModule({
  name: "time-wait",
  summary: "wait for a while",
  config: z.strictObject({
    duration: durationOption().default("1s").describe("how long to wait when no argument says it"),
  }),
  help: ({ duration }) =>
    `[duration]    waits, ${formatDuration(parseDuration(duration))} unless a duration such as 500ms, 10s or 1m30s is given`,
  async open({ duration }) {
    return {
      async run({ args, session, signal }) {
        const left = parseDuration(args[0] ?? duration);
        await session.print(`Waiting for ${formatDuration(left)}\n`);
        await wait(left, signal);
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

async function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  const end = performance.now() + milliseconds;
  for (let left = milliseconds; left > 0; left = end - performance.now()) {
    await setTimeout(Math.min(Math.ceil(left), longestTimerMs), undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  }
}
