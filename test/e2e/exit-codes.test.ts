import assert from "node:assert/strict";
import { test } from "node:test";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { openRollCall } from "#test/support/roll-call.ts";

const thief = { uses: [{ module: "dummy-ft", args: ["/etc/hostname", "copy"] }] };
const board = { cmds: { sh: shellCommand, status: { uses: [{ module: "dummy-status" }] }, thief } };

/** Command lines, and what they end with by each protocol where that differs. */
const codes = [
  [["board", "sh", "true"], { lab: 0, v1: 0 }],
  [["board", "sh", "exit 1"], { lab: 1, v1: 1 }],
  [["board", "sh", "exit 119"], { lab: 119, v1: 1 }],
  [["board", "sh", "exit 120"], { lab: 1, v1: 1 }],
  [["board", "sh", "kill -9 $$"], { lab: 1, v1: 1 }],
  [["board", "status", "one argument too many"], { lab: 2, v1: 2 }],
  [["board", "none"], { lab: 122, v1: 122 }],
  [["none", "sh", "true"], { lab: 122, v1: 122 }],
  [["spare", "sh", "true"], { lab: 123, v1: 123 }],
  [["spare", "lock"], { lab: 123, v1: 123 }],
  [["spare", "unlock"], { lab: 126, v1: 126 }],
  [["board", "thief"], { lab: 126, v1: 126 }],
  [["-timeout", "1s", "board", "sh", "sleep 1000"], { lab: 124, v1: 124 }],
  [["describe", "none"], { lab: 122, v1: 122 }],
  // The old protocol has no such call.
  [["attach", "board"], { lab: 122, v1: 1 }],
  [["runs"], { lab: 0, v1: 1 }],
] as const;

for (const protocol of ["lab", "v1"] as const) {
  test(`programs can tell by the exit code what happened, in ${protocol}`, async (t) => {
    await using lab = await Lab.open(t.signal);
    const server = await lab.server();
    await lab.agent({ board, spare: board }, "-server", server.address);
    const words = ["-s", server.address, "-protocol", protocol];
    await lab.dutctl([...words, "-u", "bob@h", "spare", "lock"]);
    const seen: unknown[] = [];
    for (const [args] of codes) {
      seen.push([args, (await lab.dutctl([...words, ...args])).code]);
    }
    assert.deepEqual(
      seen,
      codes.map(([args, code]) => [args, code[protocol]]),
    );
  });

  test(`Ctrl-C is 130, a lost connection 125 and one that never was 121, in ${protocol}`, async (t) => {
    await using lab = await Lab.open(t.signal);
    await using roll = await openRollCall();
    // A device each: by the old protocol a client that is interrupted does not hear when its device is free.
    const agent = await lab.agent({ interrupted: board, lost: board, never: board });
    const start = (name: string) =>
      lab.start("dutctl", ["-s", agent.address, "-protocol", protocol, name, "sh", roll.attend(name)]);
    const interrupted = start("interrupted");
    await roll.came("interrupted");
    interrupted.kill("SIGINT");
    const ends = [await interrupted.ended];
    await roll.gone("interrupted");
    const lost = start("lost");
    await roll.came("lost");
    agent.kill("SIGKILL");
    await agent.ended;
    ends.push(await lost.ended, await start("never").ended);
    assert.deepEqual(
      ends.map(({ code }) => code),
      [130, 125, 121],
    );
  });
}
