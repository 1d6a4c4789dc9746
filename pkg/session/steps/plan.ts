import type { When } from "#pkg/config/config.ts";
import type { DeviceHold, OpenModule } from "#pkg/modules/module.ts";

/** One module of a run with the arguments that it gets. */
export interface Step {
  readonly name: string;
  readonly module: OpenModule;
  readonly args: readonly string[];
  readonly when: When;
}

/** What a run does: its steps in order, for so long, so often. */
export interface Plan {
  readonly steps: readonly Step[];
  /** How long an attempt may take, in milliseconds; undefined for as long as it takes. */
  readonly timeoutMs: number | undefined;
  /** How often an attempt that failed is repeated at most. */
  readonly retries: number;
  /** What is waited before that, in milliseconds; undefined for nothing. */
  readonly retryAfterMs: number | undefined;
  /** What the modules may give away; undefined when a step is to come that needs the device. */
  readonly hold?: DeviceHold | undefined;
}

/** Whether it is one that the Go agent knows too: its failures are told in the words that are known from there. */
export function isPlain({ steps, timeoutMs, retries }: Plan): boolean {
  return timeoutMs === undefined && retries === 0 && steps.every(({ when }) => when === "success");
}

/** What users call a step: `step 2 of 3, module flash`. */
export function titleOf({ steps }: Plan, index: number): string {
  return `step ${index + 1} of ${steps.length}, module ${steps[index]?.name}`;
}
