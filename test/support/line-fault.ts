import type { Random } from "./pseudo-random.ts";

/** Which way bytes go: from the one who connected, or to it. */
export type Direction = "up" | "down";

/**
 * How a connection breaks. After "reset" and "end" nothing passes either way. "half-close" ends one direction, and the
 * other goes on. "stall" takes nothing more from the sender of one direction, and tells nobody.
 */
export type Break = "reset" | "end" | "half-close" | "stall";

/** What becomes of one connection. What is drawn, is drawn anew for every piece, from the seed of the proxy. */
export interface Fault {
  /** Lets this many bytes pass in one direction, then breaks the connection. */
  readonly cut?: { readonly direction: Direction; readonly bytes: number; readonly how: Break };
  /** Added to every piece in each direction, in milliseconds. */
  readonly delayMs?: number;
  /** At most so many milliseconds are added to that. Order is kept. */
  readonly jitterMs?: number;
  /** How much passes in each direction. */
  readonly bytesPerSecond?: number;
  /** Passes pieces of one to so many bytes, with pauses of at most so many milliseconds between them. */
  readonly slices?: { readonly mostBytes: number; readonly mostPauseMs: number };
}

/** A line that is bad but whole: late, jittery, in small pieces or narrow. A megabyte takes some seconds at worst. */
export function badLine(random: Random): Fault {
  const is = () => random() < 0.5;
  const mostBytes = 1 + Math.floor(random() * 2000);
  return {
    delayMs: random() * 50,
    ...(is() && { jitterMs: random() * 50 }),
    ...(is() && { bytesPerSecond: 200_000 + random() * 2_000_000 }),
    ...(is() && { slices: { mostBytes, mostPauseMs: mostBytes / 200 } }),
  };
}
