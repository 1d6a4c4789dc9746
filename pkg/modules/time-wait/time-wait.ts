import { z } from "zod";
import { formatDuration, parseDuration } from "#pkg/golang/duration.ts";
import { defineModule } from "../module.ts";
import { durationOption } from "../options/duration-option.ts";
import { pause } from "../pause.ts";

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
        await pause(left, signal);
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});
