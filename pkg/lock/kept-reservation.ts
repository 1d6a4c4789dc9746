import { z } from "zod";
import type { Clock } from "./clock.ts";

/** A reservation in the steady time of this boot, in milliseconds. */
export interface KeptReservation {
  readonly owner: string;
  readonly since: number;
  readonly until: number;
}

/** The text that a reservation is stored as. */
const record = z.strictObject({
  owner: z.string(),
  /** In the steady time of a boot. */
  since: z.number(),
  until: z.number(),
  boot: z.string().optional(),
  /** When it was written, in both times: what is left of it is known in another boot too. */
  writtenSteady: z.number(),
  writtenWall: z.number(),
});

export function renderReservation({ owner, since, until }: KeptReservation, clock: Clock): string {
  const written = { writtenSteady: clock.steady(), writtenWall: clock.wall() };
  return JSON.stringify({ owner, since, until, boot: clock.boot, ...written } satisfies z.infer<typeof record>);
}

/**
 * Within the boot that wrote it a reservation ends when it was to end, whatever became of the wall clock. After another
 * boot only the wall clock tells how much of it is left: never more than when it was written.
 */
export function parseReservation(text: string, clock: Clock): KeptReservation {
  const { owner, since, until, boot, writtenSteady, writtenWall } = record.parse(JSON.parse(text));
  if (boot !== undefined && boot === clock.boot) {
    return { owner, since, until };
  }
  const passed = Math.max(0, clock.wall() - writtenWall);
  const shift = clock.steady() - passed - writtenSteady;
  return { owner, since: since + shift, until: until + shift };
}
