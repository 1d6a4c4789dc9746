import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { Lab, shellCommand } from "#test/support/lab.ts";

const transfer = { uses: [{ module: "dummy-ft", passthrough: true }] };
const board = { desc: "on the left shelf", cmds: { sh: shellCommand, transfer } };

const keys = ["time", "type", "error", "device", "command", "run", "stream", "encoding", "data"];

/** Each verb with the types of the lines that it writes, in order, joined where they are the same. */
const verbs = [
  [["list"], "device"],
  [["-l", "list"], "device"],
  [["board"], "command"],
  [["describe", "board"], "device command"],
  [["board", "sh", "help"], "help"],
  [["board", "lock", "10m"], "device"],
  [["board", "unlock", "force"], "device notice"],
  [["board", "lock"], "device"],
  [["board", "unlock"], "device"],
  [["board", "sh", "echo out; sleep 0.1; printf '\\377' >&2; exit 3"], "output end error"],
  [["board", "transfer", "in.txt", "out.txt"], "output progress file progress file output end"],
  [["runs"], "run"],
  [["watch"], "device error"],
  [["config", "list"], "context"],
  [["version"], "version"],
  [["none"], "error"],
  [["attach", "board"], "error"],
] as const;

test("errors and notices tell what they belong to, and hints that there are not are null", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { address } = await lab.agent({ board });
  const told = async (...words: string[]) => {
    const { stdout } = await lab.dutctl(["-s", address, "-f", "jsonl", ...words]);
    return stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line))
      .map(({ type, device, command, run, data }) => [type, device, command, run !== null, data.hint]);
  };
  assert.deepEqual(
    [
      await told("board", "sh", "exit 3"),
      await told("board", "none"),
      await told("board", "lock", "-1s"),
      await told("describe", "none"),
      await told("-u", "bob@h", "board", "lock", "1ms"),
      await told("list", "x"),
    ],
    [
      [
        ["end", "board", "sh", true, null],
        ["error", "board", "sh", true, null],
      ],
      [["error", "board", "none", true, null]],
      [["error", "board", null, false, null]],
      [["error", "none", null, false, null]],
      [
        ["device", "board", null, false, undefined],
        ["notice", "board", null, false, undefined],
      ],
      [["error", null, null, false, null]],
    ],
  );
});

test("every verb writes lines of the same keys, all of them to stdout", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { address } = await lab.agent({ board });
  await writeFile(lab.path("in.txt"), "content");
  await lab.dutctl(["config", "set", "bench", `server=${address}`]);
  const seen: unknown[] = [];
  for (const [words] of verbs) {
    const client = lab.start("dutctl", ["-f", "jsonl", "-force", ...words]);
    client.process.stdin.end();
    if (words[0] === "watch") {
      await client.said("stdout", /\n/);
      client.kill("SIGINT");
    }
    const { stdout, stderr } = await client.ended;
    const lines: Record<string, unknown>[] = stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
    const odd = lines.filter((line) => JSON.stringify(Object.keys(line)) !== JSON.stringify(keys));
    const types = lines.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1]);
    seen.push([words, types.join(" "), odd, stderr]);
  }
  assert.deepEqual(
    seen,
    verbs.map(([words, types]) => [words, types, [], ""]),
  );
});
