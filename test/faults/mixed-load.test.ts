import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import { percentile } from "#test/bench/medians.ts";
import { type AgentFleet, openAgentFleet } from "#test/support/fleet/agent-fleet.ts";
import { Lab } from "#test/support/lab.ts";
import { openFilesOf, untilOpenFiles } from "#test/support/open-files.ts";
import { residentMegabytes } from "#test/support/process-memory.ts";
import { buildPrograms } from "#test/support/programs.ts";
import { freshSeed, pseudoRandom, type Random } from "#test/support/pseudo-random.ts";
import { rounds } from "#test/support/rounds.ts";
import { openDeviceWatch } from "./device-watch.ts";
import { protocols } from "./spoken.ts";

const loadMs = rounds(60_000, 1_800_000);
/** Until the engine has compiled and sized what it needs for this: not looked at. */
const warmUpMs = loadMs / 2;
const sampleMs = 1_000;
const users = 8;
/** Agents that stay, with one device for each user, and agents that come and go. */
const [staying, moving] = [10, 40];
const pauseMs = 20;
const awayMs = 500;
/** What may be left of the engine's own coming and going in what is measured after the warm-up, in megabytes. */
const mostGrown = rounds(48, 24);

test(`${users} users who run, list, lock and watch for ${loadMs / 1000} s while agents come and go meet no failure, and the server does not grow`, async (t) => {
  await using built = await buildPrograms();
  await using lab = await Lab.open(t.signal, built.programs);
  const server = await lab.server();
  const random = pseudoRandom(freshSeed(t));
  const fleet = await openAgentFleet(lab, { servers: server.address, agents: staying + moving, devices: users });
  fleet.tell("start");
  await fleet.had("attached", staying + moving);
  const files = await openFilesOf(server);
  const over = AbortSignal.timeout(loadMs);
  const done = new Map<string, number>();
  const [samples, moves] = await Promise.all([
    residentOver(server.process.pid ?? 0, over),
    comeAndGo(fleet, over),
    ...Array.from({ length: users }, (_, user) => work(server.address, { user, random, done, over })),
  ]);
  t.diagnostic(`${moves} agents came and went, ${Array.from(done, ([what, times]) => `${what} ${times}`).join(", ")}`);
  assert.ok(tellGrowth(t, samples) <= mostGrown);
  await untilOpenFiles(server, files);
});

interface Part {
  readonly user: number;
  readonly random: Random;
  readonly done: Map<string, number>;
  readonly over: AbortSignal;
}

type Deed = (connection: Connection, device: string) => Promise<void>;

/** What users do, each with devices of his own. */
const deeds: Readonly<Record<string, Deed>> = {
  async listed({ lab, devices }) {
    const [ours, theirs] = await Promise.all([lab.list({}), devices.list({})]);
    const all = (staying + moving) * users;
    assert.deepEqual([ours.devices.length, theirs.devices.length], [all, all]);
  },
  async ran(connection, device) {
    for (const { speak } of protocols) {
      const spoken = await speak(connection, { device, command: "ticks", args: ["3", "10"] });
      assert.deepEqual(spoken, { stdout: "tick 1\ntick 2\ntick 3\n", stderr: "", end: "ok" });
    }
  },
  async locked({ lab }, device) {
    await lab.lock({ device, durationMs: 60_000n });
    const { device: described } = await lab.describe({ device });
    assert.equal(described?.lock?.owner.startsWith("user-"), true);
    await lab.unlock({ device });
  },
  async watched(connection) {
    await using watch = await openDeviceWatch(connection);
    assert.equal(watch.devices, (staying + moving) * users);
    await wait(pauseMs);
    await watch.stop();
  },
};

/** One thing after the other until it is over, over a new connection every so often. */
async function work(address: string, { user, random, done, over }: Part): Promise<void> {
  const names = Object.keys(deeds);
  while (!over.aborted) {
    using connection = connectTo(parseAddress(address), { identity: `user-${user}@test` });
    for (let turn = 0; turn < 20 && !over.aborted; turn++) {
      const name = names[Math.floor(random() * names.length)] ?? "";
      const device = `fleet-${Math.floor(random() * staying)}-${user}`;
      await deeds[name]?.(connection, device);
      done.set(name, (done.get(name) ?? 0) + 1);
      await wait(pauseMs);
    }
  }
}

/** One agent after the other is killed or says goodbye, and comes back. Resolves with how many have when it is over. */
async function comeAndGo(fleet: AgentFleet, over: AbortSignal): Promise<number> {
  for (let moves = 0; ; moves++) {
    if (over.aborted) {
      return moves;
    }
    const agent = staying + (moves % moving);
    const before = fleet.events.length;
    fleet.tell(moves % 2 === 0 ? "kill" : "stop", agent, 1);
    await wait(awayMs);
    fleet.tell("start", agent, 1);
    await fleet.had("attached", 1, before);
  }
}

/** What a process has in memory, in megabytes, again and again until it is over. */
async function residentOver(pid: number, over: AbortSignal): Promise<readonly number[]> {
  const samples: number[] = [];
  while (!over.aborted) {
    samples.push(await residentMegabytes(pid));
    await wait(sampleMs);
  }
  return samples;
}

/** Megabytes by which the samples after the warm-up have grown, by the line that fits them best. */
function tellGrowth(t: TestContext, samples: readonly number[]): number {
  const after = samples.slice(Math.floor((samples.length * warmUpMs) / loadMs));
  const mean = after.reduce((sum, value) => sum + value, 0) / after.length;
  const middle = (after.length - 1) / 2;
  const slope =
    after.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0) /
    after.reduce((sum, _, index) => sum + (index - middle) ** 2, 0);
  const grown = slope * (after.length - 1);
  const perHour = (slope * 3_600_000) / sampleMs;
  t.diagnostic(
    `server half of the time at ${percentile(after, 0.5).toFixed(0)} MB, ${grown.toFixed(1)} MB more in the end: ${perHour.toFixed(0)} MB an hour`,
  );
  return grown;
}
