import type { Host } from "#pkg/host/host.ts";
import { Turns } from "../hardware/turns.ts";

const unitsOf = new WeakMap<Host, Map<string, Turns>>();

/**
 * The queue before a unit: one for all that use it, also entries of other devices. Power strips have small servers, many of
 * which mix up requests that come at once.
 */
export function turnsOf(unit: string, host: Host): Turns {
  const units = unitsOf.get(host) ?? new Map<string, Turns>();
  unitsOf.set(host, units);
  const turns = units.get(unit) ?? new Turns();
  units.set(unit, turns);
  return turns;
}
