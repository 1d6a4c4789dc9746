import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { dutErrorFrom } from "#pkg/protocol/fault.ts";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { openRollCall } from "#test/support/roll-call.ts";

const board = { cmds: { sh: shellCommand, repeat: { uses: [{ module: "dummy-repeat" }] } } };

const greeting = "Hello from dummy repeat module!\nEnter one word per line. (Two words will terminate)\n";
const farewell = "Oh no! Can only handle one word per line.\n";

test("what is piped in reaches the command, with or without a last newline", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { address } = await lab.agent({ board });
  const words = ["-s", address, "board", "repeat"];
  for (const protocol of ["lab", "v1"]) {
    assert.deepEqual(await lab.dutctl(["-protocol", protocol, ...words], { stdin: "one\ntwo\nthe end\n" }), {
      code: 0,
      stdout: `${greeting}one\ntwo\n`,
      stderr: farewell,
    });
  }
  assert.deepEqual(await lab.dutctl(words, { stdin: "one\ntwo" }), {
    code: 1,
    stdout: `${greeting}one\ntwo\n`,
    stderr: "✗ module failed: EOF\n  the input ended before a line of two words\n",
  });
});

for (const [protocol, failed] of [
  ["lab", 3],
  ["v1", 1],
] as const) {
  test(`input that never ends and that nobody reads changes nothing about a run of ${protocol}`, async (t) => {
    await using lab = await Lab.open(t.signal);
    const { address } = await lab.agent({ board });
    for (const [args, outcome] of [
      [["board", "sh", "echo fine"], { code: 0, stdout: "fine\n", stderr: "" }],
      [
        ["board", "sh", "exit 3"],
        { code: failed, stdout: "", stderr: "✗ module failed: shell command exited with code 3\n" },
      ],
      [
        ["nothing", "sh", "true"],
        { code: 122, stdout: "", stderr: '✗ device "nothing", command "sh": no such device\n' },
      ],
    ] as const) {
      const client = lab.start("dutctl", ["-s", address, "-protocol", protocol, ...args]);
      const flood = lab.startWords(["yes"]);
      flood.process.stdout.removeAllListeners("data").pipe(client.process.stdin);
      assert.deepEqual(await client.ended, outcome);
    }
  });
}

test("a run works without any input", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { address } = await lab.agent({ board });
  const [node = "", program = ""] = lab.wordsOf("dutctl");
  const client = lab.startWords([
    "sh",
    "-c",
    `'${node}' '${program}' -s ${address} board sh 'cat; echo done' </dev/null`,
  ]);
  assert.deepEqual(await client.ended, { code: 0, stdout: "done\n", stderr: "" });
});

test("what a failing command says is complete and single, a hundred times through the server", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  await lab.agent({ a: board, b: board }, "-server", server.address);
  const command = "seq 1 200; echo last words >&2; exit 7";
  const numbers = `${Array.from({ length: 200 }, (_, index) => index + 1).join("\n")}\n`;
  const reason = "module failed: shell command exited with code 7";
  const shown = { code: 7, stdout: numbers, stderr: `last words\n✗ ${reason}\n` };
  assert.deepEqual(await lab.dutctl(["-s", server.address, "a", "sh", command]), shown);

  using connection = connectTo(parseAddress(server.address), { identity: "tester" });
  const run = async (device: string) => {
    const said = { stdout: "", stderr: "" };
    const over = Promise.withResolvers<void>();
    async function* requests() {
      yield { msg: { case: "command" as const, value: { device, command: "sh", args: [command] } } };
      await over.promise;
    }
    try {
      for await (const { msg } of connection.devices.run(requests())) {
        if (msg.case === "console" && (msg.value.data.case === "stdout" || msg.value.data.case === "stderr")) {
          said[msg.value.data.case] += Buffer.from(msg.value.data.value);
        }
      }
      return { ...said, error: undefined };
    } catch (error) {
      return { ...said, error: dutErrorFrom(error).message };
    } finally {
      over.resolve();
    }
  };
  const outcomes = async (device: string) => {
    const kinds = new Set<string>();
    for (let count = 0; count < 50; count++) {
      kinds.add(JSON.stringify(await run(device)));
    }
    return kinds;
  };
  const expected = new Set([JSON.stringify({ stdout: numbers, stderr: "last words\n", error: reason })]);
  assert.deepEqual(await Promise.all([outcomes("a"), outcomes("b")]), [expected, expected]);
});

test("two users at one device: the second is told who has it, and waits for nothing", async (t) => {
  await using lab = await Lab.open(t.signal);
  await using roll = await openRollCall();
  const { address } = await lab.agent({ board, other: board });
  const first = lab.start("dutctl", ["-s", address, "-u", "ann@lab", "board", "sh", roll.attend("first")]);
  await roll.came("first");
  const second = await lab.dutctl(["-s", address, "-u", "bob@lab", "board", "sh", "true"]);
  const elsewhere = await lab.dutctl(["-s", address, "-u", "bob@lab", "other", "sh", "echo mine"]);
  const list = await lab.dutctl(["-s", address, "list"]);
  assert.deepEqual(
    [second, elsewhere, list],
    [
      {
        code: 123,
        stdout: "",
        stderr: '✗ device "board" is locked by "ann@lab"\n  it is in use by a command; -wait waits until it is free\n',
      },
      { code: 0, stdout: "mine\n", stderr: "" },
      { code: 0, stdout: '- board [in use by "ann@lab"]\n- other\n', stderr: "" },
    ],
  );
  await roll[Symbol.asyncDispose]();
  assert.equal((await first.ended).code, 0);
  assert.equal((await lab.dutctl(["-s", address, "-u", "bob@lab", "board", "sh", "true"])).code, 0);
});
