import assert from "node:assert/strict";
import { test } from "node:test";
import { Lab, lostInTheMiddle, shellCommand } from "#test/support/lab.ts";
import { openRollCall } from "#test/support/roll-call.ts";

const board = { cmds: { sh: shellCommand } };

for (const [signal, protocol] of [
  ["SIGTERM", "lab"],
  ["SIGINT", "lab"],
  ["SIGQUIT", "v1"],
] as const) {
  test(`${signal} stops a run of ${protocol} at the agent: its client gets all output, then the reason, and nothing is left`, async (t) => {
    await using lab = await Lab.open(t.signal);
    await using roll = await openRollCall();
    const agent = await lab.agent({ board });
    const command = `trap 'echo cleaned up; exit' TERM; ${roll.attend("child")} & echo working; wait`;
    const client = lab.start("dutctl", ["-s", agent.address, "-protocol", protocol, "board", "sh", command]);
    await Promise.all([client.said("stdout", /working/), roll.came("child")]);
    agent.kill(signal);
    assert.deepEqual(await client.ended, {
      code: 1,
      stdout: "working\ncleaned up\n",
      stderr: "✗ dutagent is shutting down\n",
    });
    await roll.gone("child");
    assert.equal((await agent.ended).code, 0);
  });
}

test("a command that ignores SIGTERM is killed after its grace, and the agent ends in order", async (t) => {
  await using lab = await Lab.open(t.signal);
  await using roll = await openRollCall();
  const server = await lab.server();
  const agent = await lab.agent({ board }, "-server", server.address);
  const client = lab.start("dutctl", ["-s", server.address, "board", "sh", roll.attend("deaf", "deaf")]);
  await roll.came("deaf");
  agent.kill("SIGTERM");
  await roll.gone("deaf");
  assert.deepEqual(await client.ended, { code: 1, stdout: "", stderr: "✗ dutagent is shutting down\n" });
  assert.equal((await agent.ended).code, 0);
});

test("a second signal ends the agent at once, with what it started", async (t) => {
  await using lab = await Lab.open(t.signal);
  await using roll = await openRollCall();
  const agent = await lab.agent({ board });
  const client = lab.start("dutctl", ["-s", agent.address, "board", "sh", roll.attend("deaf", "deaf")]);
  await roll.came("deaf");
  agent.kill("SIGTERM");
  await agent.said("stderr", /shutting down/);
  agent.kill("SIGTERM");
  assert.equal((await agent.ended).code, 1);
  // Had it waited for the command, its client would have heard the reason.
  assert.deepEqual(await client.ended, {
    code: 125,
    stdout: "",
    stderr: lostInTheMiddle(agent.address),
  });
  await roll.gone("deaf");
});

test("a server that is told to stop lets runs end that it forwards, and takes no more", async (t) => {
  await using lab = await Lab.open(t.signal);
  await using roll = await openRollCall();
  const server = await lab.server();
  const agent = await lab.agent({ board }, "-server", server.address);
  const words = ["-s", server.address, "board", "sh", `${roll.attend("work")} & echo working; wait; echo done`];
  const client = lab.start("dutctl", words);
  await Promise.all([client.said("stdout", /working/), roll.came("work")]);
  server.kill("SIGTERM");
  await server.said("stderr", /shutting down/);
  const late = await lab.dutctl(["-s", server.address, "board", "sh", "true"]);
  await roll[Symbol.asyncDispose]();
  assert.deepEqual(
    [await client.ended, late.code, late.stderr, (await server.ended).code],
    [
      { code: 0, stdout: "working\ndone\n", stderr: "" },
      121,
      `✗ dutserver at ${server.address} is shutting down (try again in a moment)\n`,
      0,
    ],
  );
  assert.deepEqual((await lab.dutctl(["-s", agent.address, "list"])).stdout, "- board\n");
});
