import type { World } from "../world.ts";

/** What the world of a test is like unless it says otherwise: Alice at a computer without files, at no time of its own. */
export const aliceAtDesk = {
  env: {},
  directory: "/nonexistent",
  hostname: () => "desk",
  userName: () => "alice",
  now: () => new Date(0),
  runtime: "node26.10.0",
} satisfies Partial<World>;
