import type { TestContext } from "node:test";

/** Numbers from 0 up to 1. */
export type Random = () => number;

/** Numbers that are the same for the same seed (mulberry32, public domain). */
export function pseudoRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A seed that is new in each run of a test and printed with it; DUTCTL_TEST_SEED in the environment is taken instead. */
export function freshSeed(t: TestContext): number {
  const given = process.env.DUTCTL_TEST_SEED;
  const seed = given === undefined ? (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) : Number(given);
  t.diagnostic(`DUTCTL_TEST_SEED=${seed} repeats what was drawn here`);
  return seed;
}
