import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { Lab, shellCommand } from "../support/lab.ts";

const bench = { board: { cmds: { sh: shellCommand } }, spare: { cmds: { sh: shellCommand } } };

/** A command that says that it runs and goes on until a file is there. */
const untilTold = "echo begun; while ! [ -e go ]; do sleep 0.05; done; rm go";

test("-wait begins a command when somebody else's has ended, and says who had the device", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { address } = await lab.agent(bench);
  const bob = lab.start("dutctl", ["-s", address, "-u", "bob@h", "board", "sh", untilTold]);
  await bob.said("stdout", /begun/);
  const refused = await lab.dutctl(["-s", address, "board", "sh", "echo mine"]);
  const waiting = lab.start("dutctl", ["-s", address, "-wait", "board", "sh", "echo mine"]);
  await waiting.said(
    "stderr",
    /waiting: device "board" is in use by "bob@h" since (?:\d{4}-\d\d-\d\d )?\d\d:\d\d \(sh\)\n/,
  );
  await lab.dutctl(["-s", address, "spare", "sh", "touch go"]);
  const [first, second] = await Promise.all([bob.ended, waiting.ended]);
  assert.deepEqual(
    [refused.code, refused.stderr.split("\n")[0], first.code, second.code, second.stdout],
    [123, '✗ device "board" is locked by "bob@h"', 0, 0, "mine\n"],
  );
});

test("-wait gives up when its time is over, names who has the device, and can be interrupted", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { address } = await lab.agent(bench);
  await lab.dutctl(["-s", address, "-u", "bob@h", "board", "lock", "1h"]);
  const gaveUp = await lab.dutctl(["-s", address, "-wait", "1ms", "board", "lock"]);
  const waiting = lab.start("dutctl", ["-s", address, "-wait", "board", "lock"]);
  await waiting.said("stderr", /waiting: device "board" is locked by "bob@h" until (?:\d{4}-\d\d-\d\d )?\d\d:\d\d\n/);
  waiting.kill("SIGINT");
  const interrupted = await waiting.ended;
  assert.deepEqual(
    [gaveUp.code, gaveUp.stderr.split("\n").slice(1), interrupted.code, interrupted.stderr.split("\n").at(-2)],
    [123, ['✗ device "board" is locked by "bob@h"', "  still so after 1ms of waiting", ""], 130, "✗ interrupted"],
  );
});

test("a command that -wait has begun fails as itself when the time for waiting is over by then", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { address } = await lab.agent(bench);
  using bob = connectTo(parseAddress(address), { identity: "bob@h" });
  await bob.lab.lock({ device: "board" });
  const waiting = lab.start("dutctl", ["-s", address, "-wait", "3s", "board", "sh", "sleep 3; exit 7"]);
  await waiting.said("stderr", /waiting: device "board" is locked by "bob@h"/);
  await bob.lab.unlock({ device: "board" });
  assert.equal((await waiting.ended).code, 7);
});

for (const protocol of ["lab", "v1"]) {
  test(`-wait begins a command when somebody else's lock is ended, in ${protocol}`, async (t) => {
    await using lab = await Lab.open(t.signal);
    const { address } = await lab.agent(bench);
    const words = ["-s", address, "-protocol", protocol];
    await lab.dutctl([...words, "-u", "bob@h", "board", "lock", "1h"]);
    const waiting = lab.start("dutctl", [...words, "-wait", "1h", "board", "sh", "echo mine"]);
    await waiting.said(
      "stderr",
      /^waiting: device "board" is locked by "bob@h" until (?:\d{4}-\d\d-\d\d )?\d\d:\d\d\n/,
    );
    await lab.dutctl([...words, "-u", "bob@h", "board", "unlock"]);
    const { code, stdout } = await waiting.ended;
    assert.deepEqual([code, stdout], [0, "mine\n"]);
  });
}

test("by the old protocol -wait keeps what is piped in for the run that begins", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { address } = await lab.agent({
    board: { cmds: { sh: shellCommand, repeat: { uses: [{ module: "dummy-repeat" }] } } },
    spare: { cmds: { sh: shellCommand } },
  });
  const bob = lab.start("dutctl", ["-s", address, "-u", "bob@h", "board", "sh", untilTold]);
  await bob.said("stdout", /begun/);
  const waiting = lab.start("dutctl", ["-s", address, "-protocol", "v1", "-wait", "board", "repeat"]);
  waiting.process.stdin.end("one\ntwo words\n");
  await waiting.said("stderr", /waiting: device "board" is in use by "bob@h"/);
  await lab.dutctl(["-s", address, "spare", "sh", "touch go"]);
  const { code, stdout } = await waiting.ended;
  assert.deepEqual([code, stdout.endsWith("one\n")], [0, true]);
});

test("-timeout ends a run, whose program is gone then, with 124", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { address } = await lab.agent(bench);
  const { code, stderr } = await lab.dutctl(["-s", address, "-timeout", "2s", "board", "sh", "sleep 60"]);
  const after = await lab.dutctl(["-s", address, "list"]);
  assert.deepEqual([code, stderr.endsWith("✗ timed out after 2s\n"), after.stdout], [124, true, "- board\n- spare\n"]);
});

for (const protocol of ["lab", "v1"]) {
  test(`-wait outlives the death of the agent: it finds it again and waits on for the lock, in ${protocol}`, async (t) => {
    await using lab = await Lab.open(t.signal);
    const config = await lab.configuration(bench);
    const state = ["-state", lab.path("state-of-both")];
    const agent = await lab.agent(config, ...state);
    const words = ["-s", agent.address, "-protocol", protocol];
    await lab.dutctl([...words, "-u", "bob@h", "board", "lock", "1h"]);
    const waiting = lab.start("dutctl", [...words, "-wait", "board", "sh", "echo mine"]);
    await waiting.said("stderr", /waiting: device "board" is locked by "bob@h" until (?:\d{4}-\d\d-\d\d )?\d\d:\d\d\n/);
    agent.kill("SIGKILL");
    await waiting.said("stderr", /\nwaiting: cannot reach localhost:\d+ \(.*\), trying again\n/);
    await agent.ended;
    await lab.agent(config, "-a", agent.address, ...state);
    await waiting.said(
      "stderr",
      /trying again\nwaiting: device "board" is locked by "bob@h" until (?:\d{4}-\d\d-\d\d )?\d\d:\d\d\n/,
    );
    await lab.dutctl([...words, "-u", "bob@h", "board", "unlock"]);
    const { code, stdout } = await waiting.ended;
    assert.deepEqual([code, stdout], [0, "mine\n"]);
  });
}

test("-wait outlives the death of an agent behind a server, which says that the device is offline", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const config = await lab.configuration(bench);
  const state = ["-state", lab.path("state-of-both")];
  const agent = await lab.agent(config, "-server", server.address, ...state);
  const words = ["-s", server.address];
  await lab.dutctl([...words, "-u", "bob@h", "board", "lock", "1h"]);
  const waiting = lab.start("dutctl", [...words, "-wait", "board", "sh", "echo mine"]);
  await waiting.said("stderr", /waiting: device "board" is locked by "bob@h" until (?:\d{4}-\d\d-\d\d )?\d\d:\d\d\n/);
  agent.kill("SIGKILL");
  await agent.ended;
  await waiting.said("stderr", /\nwaiting: device "board" is offline\n/);
  await lab.agent(config, "-a", agent.address, "-server", server.address, ...state);
  await lab.dutctl([...words, "-u", "bob@h", "board", "unlock"]);
  const { code, stdout } = await waiting.ended;
  assert.deepEqual([code, stdout], [0, "mine\n"]);
});

test("-wait whose time is over while the agent is away names who had the device; who was never reached ends at once", async (t) => {
  await using lab = await Lab.open(t.signal);
  const agent = await lab.agent(bench);
  const words = ["-s", agent.address];
  await lab.dutctl([...words, "-u", "bob@h", "board", "lock", "1h"]);
  const waiting = lab.start("dutctl", [...words, "-wait", "5s", "board", "lock"]);
  await waiting.said("stderr", /waiting: device "board" is locked by "bob@h"/);
  agent.kill("SIGKILL");
  const gaveUp = await waiting.ended;
  const never = await lab.dutctl([...words, "-wait", "board", "lock"]);
  assert.deepEqual(
    [gaveUp.code, gaveUp.stderr.split("\n").slice(-3), never.code, never.stderr.replace(/\(.*\)/, "(reason)")],
    [
      123,
      [
        '✗ device "board" is locked by "bob@h"',
        `  so it was when ${agent.address} was reached last; 5s of waiting are over`,
        "",
      ],
      121,
      `✗ cannot reach dutagent at ${agent.address} (reason)\n`,
    ],
  );
});
