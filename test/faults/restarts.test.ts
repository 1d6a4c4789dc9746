import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import { DeviceState } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import type { Child, Ended } from "#test/support/child.ts";
import { Lab, lostInTheMiddle, shellCommand } from "#test/support/lab.ts";
import { logged } from "#test/support/log-records.ts";
import { type MachineTime, openMachineTime } from "#test/support/machine-time.ts";
import { supervise } from "#test/support/supervisor.ts";
import { openCalmCanary } from "./canary.ts";

const runsOfEach = 10;
const downMs = 5_000;
const toldMs = 10_000;
const againMs = 15_000;
const absentMs = 5_000;

const stateNames = Object.keys(DeviceState);
const board = { cmds: { sh: shellCommand } };
const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join("");

/**
 * Leaves a mark in a file for each time that it is started, says a line and waits until there is another file, and says
 * lines then, so many in all and five in a second.
 */
const marking = (file: string, go: string, count: number) =>
  `echo started >> ${file}; echo line 1; until [ -e ${go} ]; do sleep 0.2; done; i=1; ` +
  `while [ $i -lt ${count} ]; do i=$((i+1)); echo line $i; sleep 0.2; done`;

async function timed(machine: MachineTime, ended: Promise<Ended>): Promise<Ended & { readonly ms: number }> {
  const begun = machine.now();
  return { ...(await ended), ms: machine.now() - begun };
}

/** Resolves when a server knows that a device is in use. */
async function becomesBusy({ lab }: Connection, device: string): Promise<void> {
  for await (const { event } of lab.watch({ device })) {
    const [seen] = event.case === "snapshot" ? event.value.devices : event.case === "changed" ? [event.value] : [];
    if (seen?.state === DeviceState.BUSY) {
      return;
    }
  }
}

test(`a server that is killed under ${2 * runsOfEach} runs: old clients say so within 10 s, ours are back and lose no byte, and no command runs twice`, async (t) => {
  await using lab = await Lab.open(t.signal);
  const state = ["-state", lab.path("kept")];
  const server = await lab.server(...state);
  const names = (kind: string) => Array.from({ length: runsOfEach }, (_, index) => `${kind}-${index}`);
  const all = [...names("old"), ...names("ours")];
  const agent = await lab.agent(
    Object.fromEntries(all.map((name) => [name, board])),
    ...["-a", "none", "-server", server.address],
  );
  const count = 60;
  const go = lab.path("go");
  const start = (name: string, ...flags: readonly string[]): Child =>
    lab.start("dutctl", ["-s", server.address, ...flags, name, "sh", marking(lab.path(`marks-${name}`), go, count)]);
  const old = names("old").map((name) => start(name, "-u", "old@h", "-protocol", "v1"));
  const ours = names("ours").map((name) => start(name, "-u", "ours@h", "-protocol", "lab", "-grace", "1m"));
  await Promise.all([...old, ...ours].map((client) => client.said("stdout", /line 1\n/)));
  using machine = openMachineTime(agent);
  const lost = old.map((client) => timed(machine, client.ended));
  server.kill("SIGKILL");
  await writeFile(go, "");
  await server.ended;
  await wait(downMs);
  const next = await lab.server(...state, "-s", server.address);
  const backAt = machine.now();
  await logged(next, { msg: "agent attached", agent: agent.name });
  const agentMs = machine.now() - backAt;
  const told = await Promise.all(lost);
  const whole = await Promise.all(ours.map((client) => client.ended));
  t.diagnostic(
    `the agent was back ${agentMs.toFixed(0)} ms after the server; old clients were told after at most ${Math.max(...told.map(({ ms }) => ms)).toFixed(0)} ms`,
  );
  const marks = await Promise.all(all.map((name) => readFile(lab.path(`marks-${name}`), "utf8")));
  assert.deepEqual(
    [
      told.map(({ code, stderr, ms }) => [code, stderr, ms < toldMs]),
      whole.map(({ code, stdout }) => [code, stdout]),
      marks,
      agentMs < againMs,
    ],
    [
      old.map(() => [125, lostInTheMiddle(server.address), true]),
      ours.map(() => [0, lines(count)]),
      all.map(() => "started\n"),
      true,
    ],
  );
});

test("a server that is told to stop starts nothing new, lets runs end, tells every client to go, and is gone", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  await lab.agent({ board, plank: board }, "-a", "none", "-server", server.address);
  using idle = connectTo(parseAddress(server.address), { identity: undefined });
  await idle.lab.list({});
  const go = lab.path("go");
  const run = lab.start("dutctl", [
    "-s",
    server.address,
    "board",
    "sh",
    `echo begun; until [ -e ${go} ]; do sleep 0.1; done; echo done`,
  ]);
  await run.said("stdout", /begun/);
  server.kill("SIGTERM");
  await logged(server, { msg: "shutting down" });
  const refused = await lab.dutctl(["-s", server.address, "plank", "sh", "echo never"]);
  const watch = idle.lab.watch({});
  await watch[Symbol.asyncIterator]().next();
  await writeFile(go, "");
  const finished = await run.ended;
  const { code } = await server.ended;
  const afterwards = await idle.lab.list({}).catch((error: unknown) => String(error));
  assert.deepEqual(
    [finished, [refused.code, refused.stdout, refused.stderr], code, String(afterwards).includes("ECONNREFUSED")],
    [
      { code: 0, stdout: "begun\ndone\n", stderr: "" },
      [121, "", `✗ dutserver at ${server.address} is shutting down (try again in a moment)\n`],
      0,
      true,
    ],
  );
});

test("a run that does not end when the server is told to stop is given up after 30 s, and its client is told", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const agent = await lab.agent({ board }, "-a", "none", "-server", server.address);
  const run = lab.start("dutctl", ["-s", server.address, "-protocol", "v1", "board", "sh", "echo begun; sleep 600"]);
  await run.said("stdout", /begun/);
  using machine = openMachineTime(server);
  const begun = performance.now();
  const stopped = timed(machine, server.ended);
  server.kill("SIGTERM");
  const { code, ms } = await stopped;
  const patience = performance.now() - begun;
  const client = await run.ended;
  t.diagnostic(`the server was gone after ${(ms / 1000).toFixed(1)} s`);
  const reason = `dutserver at ${server.address} is shutting down`;
  const why = `dutserver at ${server.address}: dutagent "${agent.name}" was lost in the middle of the run (${reason})`;
  assert.deepEqual(
    [code, patience > 29_000 && ms < 35_000, client.code, client.stderr],
    [0, true, 125, lostInTheMiddle(server.address, why)],
  );
});

test("an agent that is replaced in place is absent for at most 5 s, and what was locked stays so", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const cage = await lab.agent({ cage: board }, "-a", "none", "-server", server.address);
  const config = await lab.configuration({ board });
  const words = ["-log-json", "-a", "none", "-c", config, "-state", lab.path("kept"), "-name", "bench"];
  await using agent = supervise(() => lab.start("dutagent", [...words, "-server", server.address]));
  await logged(server, { msg: "agent attached", agent: "bench" });
  using alice = connectTo(parseAddress(server.address), { identity: "alice@h" });
  const { lock } = await alice.lab.lock({ device: "board", durationMs: 600_000n });
  await using canary = await openCalmCanary(server, "cage", cage);
  const coming = agent.next();
  using machine = openMachineTime(server, agent.current);
  const stoppedAt = machine.now();
  agent.current.kill("SIGTERM");
  using machineOfNext = openMachineTime(server, await coming);
  const [goneMs, startedAt] = [machine.now() - stoppedAt, machineOfNext.now()];
  await logged(server, { msg: "agent attached", agent: "bench" }, 2);
  const absent = goneMs + machineOfNext.now() - startedAt;
  t.diagnostic(`absent for at most ${absent.toFixed(0)} ms`);
  const { device } = await alice.lab.describe({ device: "board" });
  assert.deepEqual([device?.lock, absent < absentMs], [lock, true]);
  await canary.stop(t);
});

test("a device that is taken out of the configuration is retiring behind the server until its run has ended, and a faulty configuration changes nothing", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const config = await lab.configuration({ board, plank: board });
  const agent = await lab.agent(config, "-a", "none", "-server", server.address);
  using client = connectTo(parseAddress(server.address), { identity: "alice@h" });
  const states = async () => (await client.lab.list({})).devices.map(({ name, state }) => [name, stateNames[state]]);
  const go = lab.path("go");
  const run = lab.start("dutctl", [
    "-s",
    server.address,
    "board",
    "sh",
    `echo begun; until [ -e ${go} ]; do sleep 0.1; done; echo done`,
  ]);
  await run.said("stdout", /begun/);
  await becomesBusy(client, "board");
  await writeFile(config, "devices: [");
  agent.kill("SIGHUP");
  await agent.said("stderr", /"level":"ERROR".*config/);
  const unchanged = await states();
  await writeFile(config, JSON.stringify({ version: "1.0.0-alpha.1", devices: { plank: board } }));
  agent.kill("SIGHUP");
  const watch = client.lab.watch({ device: "board" })[Symbol.asyncIterator]();
  const seen: unknown[] = [];
  for (let next = await watch.next(); next.done !== true; next = await watch.next()) {
    const { event } = next.value;
    const device =
      event.case === "snapshot" ? event.value.devices[0] : event.case === "changed" ? event.value : undefined;
    seen.push(device === undefined ? event.case : stateNames[device.state]);
    if (device?.state === DeviceState.RETIRING) {
      await writeFile(go, "");
    }
    if (event.case === "removed") {
      break;
    }
  }
  const finished = await run.ended;
  // The agent's list may be shorter a moment before the agent has told the server that it gives the name up.
  const told = seen.filter((state) => state !== "OFFLINE");
  assert.deepEqual(
    [unchanged, finished, told.slice(-2), await states()],
    [
      [
        ["board", "BUSY"],
        ["plank", "FREE"],
      ],
      { code: 0, stdout: "begun\ndone\n", stderr: "" },
      ["RETIRING", "removed"],
      [["plank", "FREE"]],
    ],
  );
});
