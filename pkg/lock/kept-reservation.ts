import { z } from "zod";
import type { Clock } from "./clock.ts";
import type { WallTime } from "./wall-time.ts";

/** A reservation in the steady time of this boot, in milliseconds. */
export interface KeptReservation {
  readonly owner: string;
  readonly since: number;
  readonly until: number;
}

/** The text that a reservation is stored as. */
const record = z.strictObject({
  owner: z.string(),
  /** In the steady time of a boot, as `written` is: what is left of it is known in another boot too. */
  since: z.number(),
  until: z.number(),
  written: z.number(),
  boot: z.string().optional(),
  /** From that steady time to wall time. */
  offset: z.number(),
});

export function renderReservation({ owner, since, until }: KeptReservation, clock: Clock, wall: WallTime): string {
  const { boot } = clock;
  const { offset } = wall;
  return JSON.stringify({ owner, since, until, written: clock.steady(), boot, offset } satisfies z.infer<
    typeof record
  >);
}

/**
 * Within the boot that wrote it a reservation ends when it was to end, whatever became of the wall clock, and is shown
 * as it was. After another boot only the wall clock tells how much of it is left: never more than when it was written.
 */
export function parseReservation(text: string, clock: Clock, wall: WallTime): KeptReservation {
  const { owner, since, until, written, boot, offset } = record.parse(JSON.parse(text));
  if (boot !== undefined && boot === clock.boot) {
    wall.resume(offset);
    return { owner, since, until };
  }
  const passed = Math.max(0, clock.wall() - (written + offset));
  const shift = clock.steady() - passed - written;
  return { owner, since: since + shift, until: until + shift };
}
