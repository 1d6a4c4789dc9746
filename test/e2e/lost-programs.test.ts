import assert from "node:assert/strict";
import { test } from "node:test";
import { type Daemon, Lab, lostInTheMiddle, shellCommand } from "#test/support/lab.ts";
import { openRollCall, type RollCall } from "#test/support/roll-call.ts";

const board = { cmds: { sh: shellCommand } };

/** A lab with a run in the middle of its work: it has printed a line, and its command attends the roll call as `work`. */
async function working(lab: Lab, roll: RollCall, address: string, protocol = "lab") {
  const words = ["-s", address, "-protocol", protocol, "board", "sh", `echo working; ${roll.attend("work")}`];
  const client = lab.start("dutctl", words);
  await Promise.all([client.said("stdout", /working/), roll.came("work")]);
  return client;
}

async function runsAgain(lab: Lab, { address }: Daemon): Promise<void> {
  assert.deepEqual(await lab.dutctl(["-s", address, "board", "sh", "echo free"]), {
    code: 0,
    stdout: "free\n",
    stderr: "",
  });
}

for (const protocol of ["lab", "v1"]) {
  test(`an agent that is killed in the middle of a run of ${protocol} is named by the server, and its command goes with it`, async (t) => {
    await using lab = await Lab.open(t.signal);
    await using roll = await openRollCall();
    const server = await lab.server();
    const agent = await lab.agent({ board }, "-server", server.address);
    const client = await working(lab, roll, server.address, protocol);
    agent.kill("SIGKILL");
    assert.deepEqual(await client.ended, {
      code: 125,
      stdout: "working\n",
      stderr: lostInTheMiddle(
        server.address,
        `dutserver at ${server.address}: dutagent "${agent.name}" was lost in the middle of the run (the connection was lost)`,
      ),
    });
    await roll.gone("work");
    const { code, stdout, stderr } = await lab.dutctl(["-s", server.address, "board"]);
    assert.deepEqual([code, stdout], [121, ""]);
    assert.match(
      stderr,
      new RegExp(
        `^✗ dutserver at ${server.address}: device "board" is offline since [^ ]+Z: dutagent "${agent.name}": the connection was lost\n$`,
      ),
    );
  });
}

for (const protocol of ["lab", "v1"]) {
  test(`an agent that is killed in the middle of a run of ${protocol} is named by its client`, async (t) => {
    await using lab = await Lab.open(t.signal);
    await using roll = await openRollCall();
    const agent = await lab.agent({ board });
    const client = await working(lab, roll, agent.address, protocol);
    agent.kill("SIGKILL");
    assert.deepEqual(await client.ended, {
      code: 125,
      stdout: "working\n",
      stderr: lostInTheMiddle(agent.address),
    });
    await roll.gone("work");
  });
}

for (const protocol of ["lab", "v1"]) {
  test(`a client that is killed in the middle of a run of ${protocol} frees the device and ends the command`, async (t) => {
    await using lab = await Lab.open(t.signal);
    const server = await lab.server();
    const agent = await lab.agent({ board }, "-server", server.address);
    for (const { address } of [server, agent]) {
      await using roll = await openRollCall();
      const client = await working(lab, roll, address, protocol);
      const ends = agent.stderr.split('"run ended"').length;
      client.kill("SIGKILL");
      await roll.gone("work");
      await agent.said("stderr", new RegExp(`(?:[\\s\\S]*?"run ended"){${ends}}`));
      await runsAgain(lab, agent);
    }
  });
}

for (const protocol of ["lab", "v1"]) {
  test(`a server that is killed in the middle of a run of ${protocol} is named, and its agent's device is free`, async (t) => {
    await using lab = await Lab.open(t.signal);
    await using roll = await openRollCall();
    const server = await lab.server();
    const agent = await lab.agent({ board }, "-server", server.address);
    const client = await working(lab, roll, server.address, protocol);
    server.kill("SIGKILL");
    assert.deepEqual(await client.ended, {
      code: 125,
      stdout: "working\n",
      stderr: lostInTheMiddle(server.address),
    });
    await roll.gone("work");
    await agent.said("stderr", /"run ended"/);
    await runsAgain(lab, agent);
  });
}

test("an agent that falls silent is given up on, and its server serves on", async (t) => {
  await using lab = await Lab.open(t.signal);
  await using roll = await openRollCall();
  const server = await lab.server();
  const silent = await lab.agent({ board }, "-server", server.address);
  await lab.agent({ other: board }, "-server", server.address);
  await lab.dutctl(["-s", server.address, "board"]);
  const client = await working(lab, roll, server.address);
  silent.kill("SIGSTOP");
  const { code, stderr } = await client.ended;
  const reason = `dutserver at ${server.address}: dutagent "${silent.name}" was lost in the middle of the run (the agent at 127.0.0.1 has said nothing for 5 s)`;
  assert.deepEqual([code, stderr], [125, lostInTheMiddle(server.address, reason)]);
  assert.deepEqual(await lab.dutctl(["-s", server.address, "other", "sh", "echo served"]), {
    code: 0,
    stdout: "served\n",
    stderr: "",
  });
  silent.kill("SIGCONT");
});
