import { quote } from "#pkg/golang/quote.ts";
import { limits } from "#pkg/protocol/limits.ts";
import type { Context } from "./commands/context.ts";
import type { Invocation } from "./grammar.ts";

/** A suggestion is not worth a longer wait. Milliseconds. */
const patienceMs = Math.min(2_000, limits.unaryMs);

/** What the user may have meant when the agent knows no such device or command; undefined when nothing is close. */
export async function suggestionFor(invocation: Invocation, context: Context): Promise<string | undefined> {
  if (!("device" in invocation)) {
    return undefined;
  }
  const { devices, world, log } = context;
  const call = { signal: world.signal, timeoutMs: patienceMs };
  const { device } = invocation;
  try {
    const names = (await devices.list({}, call)).devices.map(({ name }) => name);
    if (!names.includes(device)) {
      return question(closest(device, names));
    }
    return "command" in invocation
      ? question(closest(invocation.command, (await devices.commands({ device }, call)).commands))
      : undefined;
  } catch (error) {
    log.debug("looking for similar names failed", { err: error });
    return undefined;
  }
}

function question(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `did you mean ${quote(name)}?`;
}

/** The candidate that differs least, if at most a third of the letters differ. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const allowed = Math.max(1, Math.floor(word.length / 3));
  let best: { name: string; distance: number } | undefined;
  for (const name of candidates) {
    const far = distance(word.toLowerCase(), name.toLowerCase());
    if (far <= allowed && far < name.length && (best === undefined || far < best.distance)) {
      best = { name, distance: far };
    }
  }
  return best?.name;
}

/** Letters to insert, drop, replace or swap with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  let previous: number[] = [];
  let current = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const next = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const options = [at(current, column) + 1, at(next, column - 1) + 1, at(current, column - 1) + (same ? 0 : 1)];
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        options.push(at(previous, column - 2) + 1);
      }
      next.push(Math.min(...options));
    }
    previous = current;
    current = next;
  }
  return at(current, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] as number;
}
