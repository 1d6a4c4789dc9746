import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { logged } from "#test/support/log-records.ts";
import { openRollCall } from "#test/support/roll-call.ts";

const contrib = join(import.meta.dirname, "../../contrib");
const board = { cmds: { sh: shellCommand } };

test("the demo: a server, two agents, and a client that takes either for what it is", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const [agent] = await Promise.all(
    [1, 2].map((number) => lab.agent(join(contrib, `config-${number}.yaml`), "-server", server.address)),
  );
  assert.ok(agent);
  const all = await lab.dutctl(["-s", server.address, "list"]);
  const one = await lab.dutctl(["-s", agent.address, "list"]);
  const commands = await lab.dutctl(["-s", server.address, "device2"]);
  assert.deepEqual(
    [all, one, commands],
    [
      { code: 0, stdout: "- device1\n- device2\n", stderr: "" },
      { code: 0, stdout: "- device1\n", stderr: "" },
      { code: 0, stdout: "- agent\n- file-transfer\n- repeat\n- slow-status\n- status\n", stderr: "" },
    ],
  );

  const terminal = lab.startOnTerminal(["-s", server.address, "device2", "repeat"]);
  await terminal.said("stdout", /Two words will terminate\)\r\n/);
  terminal.process.stdin.write("hello\n");
  await terminal.said("stdout", /hello\r\nhello\r\n/);
  terminal.process.stdin.write("two words\n");
  assert.deepEqual(await terminal.ended, {
    code: 0,
    stdout: [
      "Hello from dummy repeat module!",
      "Enter one word per line. (Two words will terminate)",
      "hello",
      "hello",
      "two words",
      "Oh no! Can only handle one word per line.",
      "",
    ].join("\r\n"),
    stderr: "",
  });
});

test("help and runs are forwarded with the caller's identity, and no version is complained about", async (t) => {
  await using lab = await Lab.open(t.signal);
  await using roll = await openRollCall();
  const server = await lab.server();
  const agent = await lab.agent({ board }, "-server", server.address);
  const help = await lab.dutctl(["-s", server.address, "board", "sh", "help"]);
  const direct = await lab.dutctl(["-s", agent.address, "board", "sh", "help"]);
  assert.deepEqual([help.code, help.stdout, help.stderr], [0, direct.stdout, ""]);

  const run = lab.start("dutctl", ["-s", server.address, "-u", "Zoë@büro", "board", "sh", roll.attend("run")]);
  await roll.came("run");
  assert.deepEqual(await lab.dutctl(["-s", agent.address, "list"]), {
    code: 0,
    stdout: '- board [in use by "Zoë@büro"]\n',
    stderr: "",
  });
  for (const { address } of [server, agent]) {
    assert.deepEqual(await lab.dutctl(["-s", address, "-u", "bob", "board", "sh", "true"]), {
      code: 123,
      stdout: "",
      stderr: '✗ device "board" is locked by "Zoë@büro"\n  it is in use by a command; -wait waits until it is free\n',
    });
  }
  run.kill("SIGINT");
  assert.deepEqual(await run.ended, {
    code: 130,
    stdout: "",
    stderr: "waiting for the command to stop; Ctrl-C leaves at once\n✗ interrupted\n",
  });
  await roll.gone("run");
});

test("an agent that was killed, stopped or moved comes back with its key, and is the same to its users", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const same = ["-server", server.address, "-state", lab.path("same"), "-name", "bench"];
  const first = await lab.agent({ board }, ...same);
  const echo = () => lab.dutctl(["-s", server.address, "board", "sh", "echo here"]);
  const here = { code: 0, stdout: "here\n", stderr: "" };
  assert.deepEqual(await echo(), here);
  first.kill("SIGKILL");
  await first.ended;
  const second = await lab.agent({ board }, ...same, "-a", first.address);
  assert.deepEqual([second.address, await echo()], [first.address, here]);
  await second.stop();
  await lab.agent({ board }, ...same, "-a", "none");
  assert.deepEqual(await echo(), here);
});

test("a device is its first agent's for ever, and another one that has it is told so and serves the rest", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const first = await lab.agent({ board }, "-server", server.address, "-name", "first");
  const rival = await lab.agent({ board, plank: board }, "-server", server.address, "-name", "rival");
  await rival.said(
    "stderr",
    /"device":"board","err":"device \\"board\\" belongs to agent \\"first\\"","msg":"device not taken/,
  );
  await first.stop();
  await logged(server, { msg: "agent lost", agent: "first" });
  const says = async (device: string) => lab.dutctl(["-s", server.address, device, "sh", "echo here"]);
  assert.equal((await says("plank")).stdout, "here\n");
  assert.match(
    (await says("board")).stderr,
    /device "board" is offline since [^ ]+: dutagent "first": dutagent is shutting down/,
  );
});
