import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { protocols, type Spoken } from "./spoken.ts";

const runs = 10_000;
const devices = ["one", "two", "three", "four"];

/** What the command of a run prints, and its end. Lines of both streams carry the number of the run. */
const commandOf = (run: number) => `echo out ${run}; echo more ${run}; echo err ${run} >&2; exit 3`;
const wanted = (run: number): Spoken => ({
  stdout: `out ${run}\nmore ${run}\n`,
  stderr: `err ${run}\n`,
  end: "aborted: module failed: shell command exited with code 3",
});

for (const { name, speak } of protocols) {
  test(`${runs} failing runs over ${name}: no output lost, doubled or out of order, and the agent lives`, async (t) => {
    await using lab = await Lab.open(t.signal);
    const board = { cmds: { sh: shellCommand } };
    const agent = await lab.agent(Object.fromEntries(devices.map((device) => [device, board])), "-log", "info");
    using connection = connectTo(parseAddress(agent.address), { identity: "tester@h" });
    const wrong: { run: number; spoken: Spoken }[] = [];
    let next = 0;
    await Promise.all(
      devices.map(async (device) => {
        for (let run = next++; run < runs; run = next++) {
          const spoken = await speak(connection, { device, command: "sh", args: [commandOf(run)] });
          const { stdout, stderr, end } = wanted(run);
          if (spoken.stdout !== stdout || spoken.stderr !== stderr || spoken.end !== end) {
            wrong.push({ run, spoken });
          }
        }
      }),
    );
    assert.deepEqual(wrong.slice(0, 5), []);
    assert.deepEqual(
      (await connection.devices.list({})).devices.map(({ name, lock }) => ({ name, lock })),
      [...devices].sort().map((name) => ({ name, lock: undefined })),
    );
    assert.equal(agent.process.exitCode, null);
  });
}
