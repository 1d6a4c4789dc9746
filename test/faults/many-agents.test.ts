import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { type FleetEvent, openAgentFleet } from "#test/support/fleet/agent-fleet.ts";
import { Lab } from "#test/support/lab.ts";

const fleetSize = 200;
const downMs = 5_000;
const allBackMs = 20_000;
/** The first attempt after a loss comes within a second, since another server may be there; the others are spread out. */
const mostAtOnce = fleetSize / 5;

test(`${fleetSize} agents are back 20 s after the start of their server, 5 s after it was killed, and do not come all at once`, async (t) => {
  await using lab = await Lab.open(t.signal);
  const state = ["-state", lab.path("kept")];
  const server = await lab.server(...state);
  const fleet = await openAgentFleet(lab, { servers: server.address, agents: fleetSize, devices: 2 });
  fleet.tell("start");
  await fleet.had("attached", fleetSize);
  const before = fleet.events.length;
  server.kill("SIGKILL");
  await server.ended;
  await wait(downMs);
  const startedAt = Date.now();
  const next = await lab.server(...state, "-s", server.address);
  const back = (await fleet.had("attached", fleetSize, before)) - startedAt;
  const again = attemptsBut(1, fleet.events.slice(before));
  const busiest = Math.max(...again.map((at) => again.filter((other) => other >= at && other < at + 1_000).length));
  t.diagnostic(`all back ${back} ms after the start, at most ${busiest} attempts in a second after the first of each`);
  assert.ok(back <= allBackMs);
  assert.ok(busiest <= mostAtOnce);
  const { code, stdout } = await lab.dutctl(["-s", next.address, "list"]);
  assert.deepEqual([code, stdout.trim().split("\n").length], [0, 2 * fleetSize]);
});

/** When agents tried to be at a server, without the first so many times of each. */
function attemptsBut(first: number, events: readonly FleetEvent[]): readonly number[] {
  const tried = new Map<number | undefined, number>();
  return events.flatMap(({ event, agent, at }) => {
    if (event !== "dials") {
      return [];
    }
    const times = (tried.get(agent) ?? 0) + 1;
    tried.set(agent, times);
    return times > first ? [at] : [];
  });
}
