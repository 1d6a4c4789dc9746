import { quote } from "#pkg/golang/quote.ts";
import { humanDuration } from "./human-duration.ts";

/** What keeps somebody from a device. */
export interface Obstacle {
  readonly owner: string;
  /** What is left of a reservation, in milliseconds; there is none for a run, whose end nobody knows. */
  readonly left?: number;
  /** Set when it is not the device that is taken but hardware that it shares with another one. */
  readonly shared?: { readonly resource: string; readonly device: string };
}

/** The sentence that refuses a device. Clients and scripts know its beginning. */
export function lockedBy(device: string, { owner, left, shared }: Obstacle): string {
  const time = left === undefined ? "" : ` for ${humanDuration(left)}`;
  const hardware = shared === undefined ? "" : `: ${takenThrough({ left, shared })}`;
  return `device ${quote(device)} is locked by ${quote(owner)}${time}${hardware}`;
}

/** The clause that tells what a device shares and with which one. */
export function takenThrough({
  left,
  shared,
}: {
  left: number | undefined;
  shared: NonNullable<Obstacle["shared"]>;
}): string {
  return `${shared.resource} is ${left === undefined ? "in use" : "reserved"} through device ${quote(shared.device)}`;
}
