import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import { debuggable } from "#test/support/collect-garbage.ts";
import { type AgentFleet, openAgentFleet } from "#test/support/fleet/agent-fleet.ts";
import { Lab } from "#test/support/lab.ts";
import { recovery } from "#test/support/metrics.ts";
import { openFilesOf, untilOpenFiles } from "#test/support/open-files.ts";
import { freshSeed, pseudoRandom, type Random } from "#test/support/pseudo-random.ts";
import { rounds } from "#test/support/rounds.ts";
import { openDeviceWatch } from "./device-watch.ts";
import { protocols } from "./spoken.ts";

const loadMs = rounds(60_000, 1_800_000);
const users = 8;
/** Agents that stay, with one device for each user, and agents that come and go. */
const [staying, moving] = [10, 40];
const pauseMs = 20;
const awayMs = 500;

test(`${users} users who run, list, lock and watch for ${loadMs / 1000} s while agents come and go meet no failure, and the server does not grow`, async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.startedBy("env", debuggable).server();
  const random = pseudoRandom(freshSeed(t));
  const fleet = await openAgentFleet(lab, { servers: server.address, agents: staying + moving, devices: users });
  fleet.tell("start");
  await fleet.had("attached", staying + moving);
  const done = new Map<string, number>();
  const load = async (milliseconds: number) => {
    const over = AbortSignal.timeout(milliseconds);
    const [moves] = await Promise.all([
      comeAndGo(fleet, over),
      ...Array.from({ length: users }, (_, user) => work(server.address, { user, random, done, over })),
    ]);
    return moves;
  };
  let moves = await load(loadMs / 2);
  // Now the engine has compiled, and the server has made, what it needs for this.
  const recovered = await recovery(server);
  const files = await openFilesOf(server);
  moves += await load(loadMs / 2);
  t.diagnostic(`${moves} agents came and went, ${Array.from(done, ([what, times]) => `${what} ${times}`).join(", ")}`);
  t.diagnostic(await recovered());
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
