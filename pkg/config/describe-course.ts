import { formatDuration } from "#pkg/golang/duration.ts";
import type { CommandConfig } from "./config.ts";

const conditions = { failure: "only after a failure", always: "in any case" } as const;

/** What a command says about its time limit, its retries and the conditions of its modules, a line each; often nothing. */
export function describeCourse({ uses, timeoutMs, retries, retryAfterMs }: CommandConfig): readonly string[] {
  const limit = timeoutMs === undefined ? [] : [`An attempt may take ${formatDuration(timeoutMs)}.`];
  const pause = retryAfterMs === undefined ? "" : `, with ${formatDuration(retryAfterMs)} in between`;
  const again = retries === 0 ? [] : [`There are at most ${retries + 1} attempts${pause}.`];
  const conditional = uses.flatMap(({ module, when }, index) =>
    when === "success" ? [] : [`Step ${index + 1} of ${uses.length}, module ${module.name}, runs ${conditions[when]}.`],
  );
  return [...limit, ...again, ...conditional];
}
