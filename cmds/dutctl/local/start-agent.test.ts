import assert from "node:assert/strict";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openRollCall } from "#test/support/roll-call.ts";
import { startAgent } from "./start-agent.ts";

for (const [what, hearing] of [
  ["is told to", undefined],
  ["is deaf to that", "deaf"],
] as const) {
  test(`an agent that nobody needs has ended when it is disposed of, also one that ${what}`, async () => {
    await using roll = await openRollCall();
    await using folder = await mkdtempDisposable(join(tmpdir(), "start-"));
    const at = (name: string) => join(folder.path, name);
    {
      await using started = await startAgent({
        words: ["sh", "-c", `exec ${roll.attend("agent", hearing)}`],
        config: at("bench.yaml"),
        place: { socket: at("socket"), users: at("users"), log: at("log") },
        env: process.env,
      });
      await roll.came("agent");
      assert.ok(started.pid > 0);
    }
    await roll.gone("agent");
  });
}
