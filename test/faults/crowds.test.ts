import assert from "node:assert/strict";
import { test } from "node:test";
import { crowdTimes } from "#test/bench/fleet/crowd-times.ts";
import { percentile } from "#test/bench/medians.ts";
import { openAgentFleet } from "#test/support/fleet/agent-fleet.ts";
import { Lab } from "#test/support/lab.ts";
import { openMachineTime } from "#test/support/machine-time.ts";
import { peakMegabytes } from "#test/support/process-memory.ts";
import { buildPrograms } from "#test/support/programs.ts";
import { rounds } from "#test/support/rounds.ts";

const runs = 1_000;
const agents = 100;
const seconds = rounds(15, 600);
/** On a computer that is busy with other things; `npm run bench -- --only crowd` holds 99 of 100 lines to 250 ms. */
const patientMs = 5_000;
const mostMegabytes = 200;
/** One user has all the runs. */
const limits = ["-limit", `runs-per-user=${runs}`, "-limit", `runs-per-agent=${runs}`];

test(`${runs} runs at once lose no line of one a second for ${seconds} s, in at most ${mostMegabytes} MB of the server`, async (t) => {
  await using built = await buildPrograms();
  await using lab = await Lab.open(t.signal, built.programs);
  const server = await lab.server(...limits);
  const each = runs / agents;
  const fleet = await openAgentFleet(lab, { servers: server.address, agents, devices: each });
  fleet.tell("start");
  await fleet.had("attached", agents);
  const devices = Array.from({ length: runs }, (_, index) => `fleet-${Math.floor(index / each)}-${index % each}`);
  const pid = server.process.pid ?? 0;
  const before = await peakMegabytes(pid);
  using machine = openMachineTime(server, fleet);
  const { alone, times } = await crowdTimes(server.address, devices, seconds, machine);
  const peak = await peakMegabytes(pid);
  const [median = 0, slowest = 0] = [0.5, 0.99].map((share) => Math.round(percentile(times, share)));
  t.diagnostic(
    `half of the lines there and back within ${median} ms, 99 % within ${slowest} ms, one alone ${Math.round(alone)} ms`,
  );
  t.diagnostic(`server at most ${Math.round(peak)} MB, ${Math.round(before)} MB before`);
  assert.equal(times.length, runs * seconds);
  assert.ok(slowest <= patientMs, `${slowest} ms`);
  assert.ok(peak <= mostMegabytes, `${peak} MB`);
});
