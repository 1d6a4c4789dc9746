import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { openAgentFleet } from "#test/support/fleet/agent-fleet.ts";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { logged, recordsOf } from "#test/support/log-records.ts";
import { openMachineTime } from "#test/support/machine-time.ts";
import { rounds } from "#test/support/rounds.ts";
import { openCalmCanary } from "./canary.ts";

const stallMs = 3_000;
/** Longer than anybody's patience. */
const longMs = rounds(12_000, 30_000);
const offlineMs = 10_000;
const backMs = 5_000;
const allBackMs = 15_000;
const fleetSize = 20;
/** What an agent may take for one attempt to be at a frozen server, on average, in milliseconds. */
const attemptMs = 2_000;

const board = { cmds: { sh: shellCommand } };

/** Says a line every tenth of a second, so many of them. */
const talk = (lines: number) => `i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo line $i; sleep 0.1; done`;
const said = (lines: number) => Array.from({ length: lines }, (_, index) => `line ${index + 1}\n`).join("");

test("an agent that stands still for 3 s is not given up, nor is what runs there", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const cage = await lab.agent({ cage: board }, "-a", "none", "-server", server.address);
  const agent = await lab.agent({ board }, "-a", "none", "-server", server.address);
  await using canary = await openCalmCanary(server, "cage", cage);
  const words = ["-s", server.address, "-protocol", "v1", "board", "sh", talk(50)];
  const run = lab.start("dutctl", words);
  await run.said("stdout", /line 3\n/);
  {
    using _ = agent.frozen();
    await wait(stallMs);
  }
  assert.deepEqual(await run.ended, { code: 0, stdout: said(50), stderr: "" });
  assert.deepEqual(recordsOf(server, { msg: "agent lost" }), []);
  await canary.stop(t);
});

test(`an agent that stands still for ${longMs / 1000} s is offline within 10 s and back within 5 s, and its run loses no byte`, async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const cage = await lab.agent({ cage: board }, "-a", "none", "-server", server.address);
  const agent = await lab.agent({ board }, "-a", "none", "-server", server.address);
  await using canary = await openCalmCanary(server, "cage", cage);
  const lines = longMs / 100 + 50;
  const run = lab.start("dutctl", ["-s", server.address, "-grace", "1m", "board", "sh", talk(lines)]);
  await run.said("stdout", /line 3\n/);
  using machine = openMachineTime(server, agent);
  const frozenAt = machine.now();
  let offline = 0;
  {
    using _ = agent.frozen();
    await logged(server, { msg: "agent lost", agent: agent.name });
    offline = machine.now() - frozenAt;
    const told = await lab.dutctl(["-s", server.address, "-protocol", "v1", "board", "sh", "true"]);
    assert.match(told.stderr, /device "board" is offline since .* has said nothing for 5 s/);
    await wait(longMs - (machine.now() - frozenAt));
  }
  const thawedAt = machine.now();
  await logged(server, { msg: "agent attached", agent: agent.name }, 2);
  const back = machine.now() - thawedAt;
  t.diagnostic(`offline after ${offline.toFixed(0)} ms, back after ${back.toFixed(0)} ms`);
  const { code, stdout } = await run.ended;
  assert.deepEqual([code, stdout, offline <= offlineMs, back <= backMs], [0, said(lines), true, true]);
  await canary.stop(t);
});

test(`a server that stands still for ${longMs / 1000} s is not stormed by its ${fleetSize} agents, and has them back within 15 s`, async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const fleet = await openAgentFleet(lab, { servers: server.address, agents: fleetSize, devices: 1 });
  fleet.tell("start");
  await fleet.had("attached", fleetSize);
  const before = fleet.events.length;
  const frozenAt = performance.now();
  {
    using _ = server.frozen();
    await wait(longMs);
  }
  const frozenMs = performance.now() - frozenAt;
  using machine = openMachineTime(server, fleet);
  const thawedAt = machine.now();
  const dials = fleet.events.slice(before).filter(({ event }) => event === "dials").length;
  await fleet.had("attached", fleetSize, before);
  const back = machine.now() - thawedAt;
  t.diagnostic(`${dials} attempts, all back after ${back.toFixed(0)} ms`);
  assert.ok(dials <= (fleetSize * frozenMs) / attemptMs);
  assert.ok(back <= allBackMs);
  await logged(server, { msg: "agent attached" }, 2 * fleetSize);
});
