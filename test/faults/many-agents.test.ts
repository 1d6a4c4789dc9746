import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { type FleetEvent, openAgentFleet } from "#test/support/fleet/agent-fleet.ts";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { recordsOf } from "#test/support/log-records.ts";
import { openMachineTime } from "#test/support/machine-time.ts";
import { openFilesOf, untilOpenFiles } from "#test/support/open-files.ts";
import { rounds } from "#test/support/rounds.ts";
import { openCalmCanary } from "./canary.ts";

const fleetSize = 200;
const downMs = 5_000;
const allBackMs = 20_000;
/**
 * The first attempt after a loss comes within a second, since another server may be there. The others are spread out so that
 * a fifth of the agents come in a second at most; the computer of a test lets some of them wait.
 */
const mostAtOnce = fleetSize / 3;
const flapMs = 2_000;
const flapsFor = rounds(20_000, 120_000);
/** As often as is said to be flapping, and once more. */
const fewestFlaps = 6;

test(`${fleetSize} agents are back 20 s after the start of their server, 5 s after it was killed, and do not come all at once`, async (t) => {
  await using lab = await Lab.open(t.signal);
  const state = ["-state", lab.path("kept")];
  const server = await lab.server(...state);
  const fleet = await openAgentFleet(lab, { servers: server.address, agents: fleetSize, devices: 2 });
  fleet.tell("start");
  await fleet.had("attached", fleetSize);
  const before = fleet.events.length;
  using machine = openMachineTime(fleet);
  const [lostAt, shown] = [performance.now(), machine.now()];
  server.kill("SIGKILL");
  await server.ended;
  await wait(downMs);
  const startedAt = machine.now();
  const next = await lab.server(...state, "-s", server.address);
  await fleet.had("attached", fleetSize, before);
  const back = machine.now() - startedAt;
  const heldUp = (performance.now() - lostAt - (machine.now() - shown)) / 1_000;
  const again = attemptsBut(1, fleet.events.slice(before));
  const busiest = Math.max(...again.map((at) => again.filter((other) => other >= at && other < at + 1_000).length));
  t.diagnostic(
    `all back ${back.toFixed(0)} ms after the start, at most ${busiest} attempts in a second after the first of each`,
  );
  assert.ok(back <= allBackMs);
  // Those whose time comes while the machine holds them up come all at once when it goes on.
  assert.ok(busiest <= mostAtOnce * (1 + heldUp));
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

test(`an agent that comes and goes every ${flapMs / 1000} s for ${flapsFor / 1000} s is said to flap, and costs nobody anything`, async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const cage = await lab.agent({ cage: { cmds: { sh: shellCommand } } }, "-a", "none", "-server", server.address);
  const fleet = await openAgentFleet(lab, { servers: server.address, agents: 2, devices: 1 });
  fleet.tell("start", 1, 1);
  await fleet.had("attached", 1);
  await using canary = await openCalmCanary(server, "cage", cage);
  const before = await openFilesOf(server);
  const flap = async () => {
    const seen = fleet.events.length;
    fleet.tell("start", 0, 1);
    await fleet.had("attached", 1, seen);
    await wait(flapMs / 2);
    fleet.tell("kill", 0, 1);
    await wait(flapMs / 2);
  };
  for (let [flaps, end] = [0, performance.now() + flapsFor]; flaps < fewestFlaps || performance.now() < end; flaps++) {
    await flap();
  }
  await canary.stop(t);
  const { code, stderr } = await lab.dutctl(["-s", server.address, "fleet-0-0", "ticks"]);
  assert.equal(code, 121);
  assert.match(stderr, /is offline since .* \(flapping: 5 sessions or more within 60 s\)/);
  const times = recordsOf(server, { msg: "agent flapping", agent: "fleet-0" }).map(({ time }) => Date.parse(time));
  assert.ok(times.length > 0);
  assert.deepEqual(
    times.filter((time, index) => time - (times[index - 1] ?? 0) < 1_000),
    [],
  );
  assert.deepEqual(recordsOf(server, { msg: "agent lost", agent: "fleet-1" }), []);
  await untilOpenFiles(server, before);
});
