import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { type Daemon, Lab, shellCommand } from "#test/support/lab.ts";

const board = { cmds: { sh: shellCommand } };

/** A command that says `before`, waits for a file, says `after`, and fails. */
function waitingFor(file: string): string {
  return `echo before; until [ -e ${file} ]; do sleep 0.05; done; echo after; exit 5`;
}

/** The rows of a table without the times in it. */
function rowsOf(text: string): string[] {
  return text
    .trimEnd()
    .split("\n")
    .map((row) =>
      row
        .replace(/[0-9a-f-]{36}/, "ID")
        .replace(/ (?:\d{4}-\d\d-\d\d )?\d\d:\d\d /, " TIME ")
        .replaceAll(/ +/g, " "),
    );
}

async function behindServer(lab: Lab): Promise<{ server: Daemon; agent: Daemon }> {
  const server = await lab.server();
  return { server, agent: await lab.agent({ board }, "-server", server.address) };
}

test("a run whose client was killed is seen by all, and taken over by its owner from another terminal with all it said", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { server, agent } = await behindServer(lab);
  const as = (user: string, ...words: string[]) => ["-s", server.address, "-u", user, ...words];
  const file = lab.path("go-on");
  const command = waitingFor(file);
  const client = lab.start("dutctl", as("alice@h", "-grace", "1h", "board", "sh", command));
  await client.said("stdout", /before/);
  client.kill("SIGKILL");
  await agent.said("stderr", /"msg":"the client is gone, its run goes on for a while"/);

  const alone = rowsOf((await lab.dutctl(as("bob@h", "runs"))).stdout);
  const refused = await lab.dutctl(as("bob@h", "attach", "board"));
  const taken = lab.start("dutctl", as("alice@h", "attach", "board"));
  await taken.said("stdout", /before/);
  const attached = rowsOf((await lab.dutctl(as("bob@h", "runs", "board"))).stdout);
  await writeFile(file, "");
  const { code, stdout, stderr } = await taken.ended;
  const over = rowsOf((await lab.dutctl(as("bob@h", "runs"))).stdout);
  const late = await lab.dutctl(as("alice@h", "attach", "board"));
  const title = "RUN DEVICE COMMAND OWNER SINCE STATE";
  const row = `ID board sh ${command.slice(0, 56)}… alice@h TIME`;
  assert.deepEqual(
    [alone, [refused.code, refused.stdout], attached, [code, stdout, stderr], over, late],
    [
      [title, `${row} running without its client for another 1h`],
      [126, ""],
      [title, `${row} running`],
      [5, "before\nafter\n", "✗ module failed: shell command exited with code 5\n"],
      [title, `${row} ended (exit status 5): module failed: shell command exited …`],
      {
        code: 122,
        stdout: "",
        stderr: '✗ nothing runs on device "board"\n  dutctl runs shows what went on lately\n',
      },
    ],
  );
});

test("a run is taken from a client that is still there, which is told; then its input comes from the new one", async (t) => {
  await using lab = await Lab.open(t.signal);
  const repeat = { uses: [{ module: "dummy-repeat" }] };
  const { address } = await lab.agent({ board: { cmds: { repeat } } });
  const first = lab.start("dutctl", ["-s", address, "board", "repeat"]);
  first.process.stdin.write("one\n");
  await first.said("stdout", /^one$/m);
  const second = lab.start("dutctl", ["-s", address, "attach", "board"]);
  const { code, stderr } = await first.ended;
  second.process.stdin.end("two\nthe end\n");
  const taken = await second.ended;
  assert.deepEqual(
    [code, /it goes on there; dutctl attach board [0-9a-f-]{36} takes it back\n$/.test(stderr), taken],
    [
      125,
      true,
      {
        code: 0,
        stdout: "Hello from dummy repeat module!\nEnter one word per line. (Two words will terminate)\none\ntwo\n",
        stderr: "Oh no! Can only handle one word per line.\n",
      },
    ],
  );
});

test("a run whose client does not come back within its grace is cancelled, and its device is free", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { address } = await lab.agent({ board });
  const client = lab.start("dutctl", ["-s", address, "-grace", "100ms", "board", "sh", "echo begun; sleep 1000"]);
  await client.said("stdout", /begun/);
  client.kill("SIGKILL");
  const next = await lab.dutctl(["-s", address, "-u", "bob@h", "-wait", "board", "sh", "echo free"]);
  assert.deepEqual([next.code, next.stdout], [0, "free\n"]);
});
