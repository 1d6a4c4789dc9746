import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { dutctl } from "../test/recorded-world.ts";
import { type Script, ScriptedAgent } from "../test/scripted-agent.ts";

/** Time enough for an agent of the same process on a busy machine. */
const patient = { USER: "alice", DUTCTL_COMPLETION_TIMEOUT: "20s" };

/** An agent of the old protocol, some of whose names no shell should be given. */
const bench: Script = {
  list: () => ({ devices: ["dev 2", "dev1", "-rf", "a\nb", "list"].map((name) => ({ name })) }),
  commands: () => ({ commands: ["chain", "status"] }),
};

async function completed(words: readonly string[], env: Record<string, string> = patient): Promise<string[]> {
  const { code, stdout, stderr } = await dutctl(["__complete", ...words], { env });
  assert.deepEqual([code, stderr], [0, ""]);
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => line.replace(/(?<=.)\t.*/, ""));
}

test("devices, commands and words are those that begin like what is written", async () => {
  await using agent = await ScriptedAgent.start(bench);
  const at = ["-s", agent.address];
  assert.deepEqual(
    [
      await completed([...at, "de"]),
      await completed([...at, "--", "l"]),
      await completed([...at, "dev1", ""]),
      await completed([...at, "--", "list", "s"]),
      await completed([...at, "describe", "dev1"]),
      await completed([...at, "-v", "-wait", "5m", "-timeout=1h", "watch", "dev "]),
    ],
    [
      ["words", "dev 2", "dev1", "describe"],
      ["words", "list"],
      ["words", "chain", "status", "lock", "unlock"],
      ["words", "status"],
      ["words", "dev1"],
      ["words", "dev 2"],
    ],
  );
});

test("names that are options or hold control characters are not offered", async () => {
  await using agent = await ScriptedAgent.start(bench);
  assert.deepEqual(await completed(["-s", agent.address, "--", ""]), ["words", "dev 2", "dev1", "list"]);
});

test("help is offered where an argument belongs only when it has been begun, and always where none belongs", async () => {
  const commands = [{ name: "power", arguments: [{ name: "state", description: "on or off" }] }, { name: "status" }];
  const lab = { describe: () => ({ device: { name: "dev1" }, commands }) };
  await using agent = await ScriptedAgent.start({}, undefined, { lab });
  const at = ["-s", agent.address, "dev1"];
  assert.deepEqual(
    [
      await completed([...at, "power", ""]),
      await completed([...at, "power", "h"]),
      await completed([...at, "power", "on", ""]),
      await completed([...at, "status", ""]),
    ],
    [["words", "\tstate: on or off"], ["words", "help", "\tstate: on or off"], ["words"], ["words", "help"]],
  );
});

const alone: readonly (readonly [words: string[], answer: string[]])[] = [
  [["-no"], ["words", "-no-color"]],
  [
    ["-f", "js"],
    ["words", "json", "jsonl"],
  ],
  [["--f=js"], ["words", "--f=json", "--f=jsonl"]],
  [
    ["-protocol", ""],
    ["words", "v1", "lab"],
  ],
  [["-allow-read", "x"], ["files"]],
  [["-unknown", ""], []],
  [
    ["config", "u"],
    ["words", "use"],
  ],
  [
    ["config", "set", "gr"],
    ["open", "grace="],
  ],
  [
    ["help", "exit"],
    ["words", "exit-codes"],
  ],
  [
    ["completion", ""],
    ["words", "bash", "zsh", "fish"],
  ],
  [
    ["dev1", "lock", "1"],
    ["words", "15m", "1h"],
  ],
  [
    ["dev1", "unlock", ""],
    ["words", "force"],
  ],
  [
    ["dev1", "unlock", "force", ""],
    ["words", "keep"],
  ],
  [["dev1", "unlock", "other", ""], ["words"]],
];

for (const [words, answer] of alone) {
  test(`dutctl ${words.join(" ")} is completed without anybody who answers`, async () => {
    assert.deepEqual(await completed(["-s", "127.0.0.1:1", ...words]), answer);
  });
}

test("the time for an answer may be given in parts of a millisecond", async () => {
  await using agent = await ScriptedAgent.start(bench);
  const env = { USER: "alice", DUTCTL_COMPLETION_TIMEOUT: "20.0000005s" };
  assert.deepEqual(await completed(["-s", agent.address, "dev1", "s"], env), ["words", "status"]);
});

test("an agent that takes the connection and is silent does not hold up a key press", { timeout: 10_000 }, async () => {
  const sockets = new Set<Socket>();
  await using server = createServer((socket) => void sockets.add(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const answer = await completed(["-s", `127.0.0.1:${port}`, "dev1", ""], { USER: "alice" });
  for (const socket of sockets) {
    socket.destroy();
  }
  assert.deepEqual(answer, ["words", "lock", "unlock"]);
});
