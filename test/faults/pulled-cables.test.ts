import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { DeviceState } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { limits } from "#pkg/protocol/limits.ts";
import type { Child } from "#test/support/child.ts";
import { lostInTheMiddle } from "#test/support/lab.ts";
import { logged, recordsOf } from "#test/support/log-records.ts";
import { openMachineTime } from "#test/support/machine-time.ts";
import { rounds } from "#test/support/rounds.ts";
import { benchDevices, openRack, withoutRack } from "./rack.ts";

const skip = withoutRack;

const benchCount = 4;
const pulls = rounds(1, 5);
const knownMs = 10_000;
const agreedMs = 20_000;
/** The new session has the agent's name; after this the old one has ended. */
const newestWinsMs = 1_000;
const foundMs = 35_000;
const backMs = 15_000;
/** The pause between two pings and what an answer to one may take, and the shortest that routers are told to have. */
const natSeconds = rounds((limits.pingIntervalMs + limits.pingTimeoutMs) / 1000, 60);
const idleMs = rounds(20_000, 600_000);
/** Each way. */
const slowMs = 100;
const lossy = 0.02;
const slowFor = rounds(30_000, 600_000);

/** Resolves with what something took that is waited for from now on, without what the machine took of that. */
async function timeOf(work: Promise<unknown>, ...programs: readonly Child[]): Promise<number> {
  using machine = openMachineTime(...programs);
  const begun = machine.now();
  await work;
  return machine.now() - begun;
}

function shown(times: readonly number[]): string {
  return times.map((time) => `${(time / 1000).toFixed(1)} s`).join(", ");
}

test(`a pulled cable is known at both ends within 10 s, ${pulls} times at each of ${benchCount} benches`, {
  skip,
}, async (t) => {
  await using rack = await openRack(t);
  const { server } = rack;
  const benches = await Promise.all(Array.from({ length: benchCount }, (_, index) => rack.bench(`bench${index}`)));
  await using canary = await rack.canary();
  const atServer: number[] = [];
  const atAgents: number[] = [];
  for (let pull = 1; pull <= pulls; pull++) {
    await Promise.all(
      benches.map(async ({ computer, agent, device }) => {
        const offline = timeOf(logged(server, { msg: "agent lost", agent: agent.name }, pull), server);
        const alone = timeOf(logged(agent, { msg: "server lost" }, pull), agent);
        await computer.drop("both");
        atServer.push(await offline);
        assert.equal(await rack.stateOf(device), DeviceState.OFFLINE);
        atAgents.push(await alone);
        await computer.heal();
        await logged(server, { msg: "agent attached", agent: agent.name }, pull + 1);
      }),
    );
  }
  t.diagnostic(`known at the server after ${shown(atServer)}, at the agents after ${shown(atAgents)}`);
  assert.deepEqual(
    [...atServer, ...atAgents].filter((time) => time > knownMs).map((time) => time.toFixed(0)),
    [],
  );
  await canary.stop(t);
});

test("when what an agent sends is lost and what it is sent arrives, both ends agree within 20 s, and it comes back", {
  skip,
}, async (t) => {
  await using rack = await openRack(t);
  const { computer, agent, device } = await rack.bench("bench");
  await using canary = await rack.canary();
  const known = [
    timeOf(logged(rack.server, { msg: "agent lost", agent: agent.name }), rack.server),
    timeOf(logged(agent, { msg: "server lost" }), agent),
  ];
  await computer.drop("out");
  const times = await Promise.all(known);
  t.diagnostic(`known at the server and at the agent after ${shown(times)}`);
  assert.equal(await rack.stateOf(device), DeviceState.OFFLINE);
  assert.ok(Math.max(...times) <= agreedMs);
  await computer.heal();
  await logged(agent, { msg: "attached" }, 2);
  assert.equal(await rack.stateOf(device), DeviceState.FREE);
  await canary.stop(t);
});

test("an agent that comes back after its computer lost power takes its place at once, and what ran there has ended", {
  skip,
}, async (t) => {
  await using rack = await openRack(t);
  const { computer, agent, device } = await rack.bench("bench");
  await using canary = await rack.canary();
  const run = rack.lab.start("dutctl", ["-s", rack.door, "-protocol", "v1", device, "sh", "echo begun; sleep 600"]);
  await run.said("stdout", /begun/);
  await computer.unplug();
  agent.kill("SIGKILL");
  await agent.ended;
  // The server cannot know of it yet: the connection is half open when the other computer has the disk.
  const next = await rack.bench("bench", await rack.network.computer("spare"));
  using machine = openMachineTime(rack.server);
  const [begun, shown] = [performance.now(), machine.now()];
  const attached = await logged(rack.server, { msg: "agent attached", agent: agent.name }, 2);
  const { code, stderr } = await run.ended;
  const lost = await logged(rack.server, { msg: "agent lost", agent: agent.name });
  const heldUpMs = performance.now() - begun - (machine.now() - shown);
  const lateMs = Date.parse(lost.time) - Date.parse(attached.time) - heldUpMs;
  assert.deepEqual(
    [code, stderr, lost.reason, lateMs < newestWinsMs, attached.epoch],
    [
      125,
      lostInTheMiddle(
        rack.door,
        `dutserver at ${rack.server.address}: dutagent "bench" was lost in the middle of the run (the agent has a new session)`,
      ),
      "the agent has a new session",
      true,
      2,
    ],
  );
  const ran = await rack.lab.dutctl(["-s", rack.door, device, "sh", "echo back"]);
  assert.deepEqual([ran.stdout, next.agent.name, ran.stderr], ["back\n", "bench", ""]);
  await canary.stop(t);
});

test("an agent finds a server that has moved to another address, by its name, within 35 s", { skip }, async (t) => {
  await using rack = await openRack(t);
  const { network, lab, computer } = rack;
  const bench = await network.computer("bench");
  await bench.hosts({ lab: computer.address });
  const devices = benchDevices("board");
  const agent = await lab
    .startedBy(...bench.namespace.inside)
    .agent(devices, "-a", "none", "-server", "lab:1024", "-name", "bench");
  const attic = await network.computer("attic");
  const moved = await lab.startedBy(...attic.namespace.inside).server("-s", `${attic.address}:1024`, "-insecure");
  await bench.hosts({ lab: attic.address });
  const found = timeOf(logged(moved, { msg: "agent attached", agent: agent.name }), moved, agent);
  await computer.drop("both");
  const time = await found;
  t.diagnostic(`found after ${shown([time])}`);
  assert.ok(time <= foundMs);
});

test("an agent behind a router that has forgotten its connection is back within 15 s", { skip }, async (t) => {
  await using rack = await openRack(t);
  const router = await rack.network.router("router");
  const { agent, device } = await rack.bench("bench", await router.behind.computer("bench"));
  await using canary = await rack.canary();
  const back = timeOf(logged(agent, { msg: "attached" }, 2), rack.server, agent);
  await router.forget();
  const time = await back;
  t.diagnostic(`back after ${shown([time])}`);
  const ran = await rack.lab.dutctl(["-s", rack.door, device, "sh", "echo back"]);
  assert.deepEqual([ran.stdout, time <= backMs], ["back\n", true]);
  await canary.stop(t);
});

test(`a router that forgets what is idle for ${natSeconds} s does not forget an agent that has nothing to do for ${idleMs / 1000} s`, {
  skip,
}, async (t) => {
  await using rack = await openRack(t);
  const router = await rack.network.router("router");
  await router.front.namespace.run("sysctl", "-qw", `net/netfilter/nf_conntrack_tcp_timeout_established=${natSeconds}`);
  const { agent } = await rack.bench("bench", await router.behind.computer("bench"));
  await using canary = await rack.canary();
  await wait(idleMs);
  assert.deepEqual(recordsOf(rack.server, { msg: "agent lost", agent: agent.name }), []);
  assert.deepEqual(recordsOf(agent, { msg: "server lost" }), []);
  await canary.stop(t);
});

test(`an agent at a line of 200 ms there and back that loses 2 % of the packets stays online for ${slowFor / 1000} s`, {
  skip,
}, async (t) => {
  await using rack = await openRack(t);
  const computer = await rack.network.computer("hut");
  const inside = rack.lab.startedBy(...computer.namespace.inside);
  const program = fileURLToPath(import.meta.resolve("#test/programs/slow-line.ts"));
  const words = [...computer.namespace.inside, process.execPath, program, rack.server.address, `${slowMs}`];
  const line = rack.lab.startWords(words);
  const [address] = await line.said("stdout", /\S+:\d+/);
  await computer.drop("both", lossy);
  const agent = await inside.agent(benchDevices("board"), "-a", "none", "-server", address, "-name", "hut");
  await using canary = await rack.canary();
  for (const end = performance.now() + slowFor; performance.now() < end; ) {
    const { code, stdout } = await rack.lab.dutctl(["-s", rack.door, "board", "sh", "echo far away"]);
    assert.deepEqual([code, stdout], [0, "far away\n"]);
  }
  assert.deepEqual(recordsOf(rack.server, { msg: "agent lost", agent: agent.name }), []);
  assert.deepEqual(recordsOf(agent, { msg: "server lost" }), []);
  await canary.stop(t);
});
