import { z } from "zod";
import type { Claim, Resource } from "../module.ts";

/** The options that say which line and which polarity. */
export const lineOptions = {
  pin: z.int().min(0).max(255).default(0).describe("number of the line on its chip; on a Raspberry Pi the BCM number"),
  activelow: z.boolean().default(false).describe("the low level is on, or pressed"),
  chip: z
    .string()
    .min(1)
    .optional()
    .describe("name or label of the GPIO chip; without it, the chip of a Raspberry Pi's header"),
  backend: z.string().default("devmem").describe("taken for the sake of old configurations, without effect"),
};

export type State = "on" | "off";

export type Level = "high" | "low";

/** One line as its module wants it. Plans of one line that are not equal cannot be used together. */
export interface LinePlan {
  readonly pin: number;
  /** As it was configured. */
  readonly chip: string | undefined;
  readonly purpose: "button" | "switch";
  readonly activeLow: boolean;
  /** What the line is driven to when it is taken, and again before it is given back. */
  readonly rest: State;
}

export function levelOf(state: State, { activeLow }: Pick<LinePlan, "activeLow">): Level {
  return (state === "on") === activeLow ? "low" : "high";
}

/** How users and errors call a line. */
export function nameOf({ pin, chip }: Pick<LinePlan, "pin" | "chip">): string {
  return chip === undefined ? `GPIO ${pin}` : `GPIO ${pin} of ${chip}`;
}

/** What a plan's terms are, in words for a user. */
export function termsOf({ purpose, activeLow, rest }: LinePlan): string {
  const polarity = `active ${activeLow ? "low" : "high"}`;
  return purpose === "button" ? `a button, ${polarity}` : `a switch, ${polarity}, initially ${rest}`;
}

export function resourceOf({ pin, chip }: LinePlan): Resource {
  return { kind: "GPIO line", name: chip === undefined ? String(pin) : `${pin} of ${chip}` };
}

export function claimOf(plan: LinePlan): Claim {
  return { ...resourceOf(plan), terms: termsOf(plan) };
}
