import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "#pkg/protocol/limits.ts";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { openNginx, withoutNginx as skip } from "#test/support/nginx.ts";

const board = { cmds: { sh: shellCommand } };

/** What nginx waits for something to read, in seconds: the pause between two pings, and what an answer to one may take. */
const patience = (limits.pingIntervalMs + limits.pingTimeoutMs) / 1000;

/** A server behind nginx, with an agent that has dialled in through nginx too. */
async function behindNginx(lab: Lab) {
  const server = await lab.server();
  const nginx = await openNginx(lab, server.address, patience);
  const config = await lab.configuration({ one: board, two: board });
  const state = ["-state", lab.path("bench-state")];
  const agent = lab.start("dutagent", ["-log-json", "-c", config, "-a", "none", "-server", nginx.agents, ...state]);
  await agent.said("stderr", /"msg":"attached"/);
  return { server, nginx, agent };
}

test("through nginx, clients list, lock and run, and agents dial in", { skip }, async (t) => {
  await using lab = await Lab.open(t.signal);
  const { nginx } = await behindNginx(lab);
  for (const protocol of ["v1", "lab"]) {
    const dutctl = (...words: string[]) => lab.dutctl(["-s", nginx.clients, "-protocol", protocol, ...words]);
    const outcomes = [
      await dutctl("list"),
      await dutctl("one", "sh", "head -c 3000000 /dev/zero | wc -c; exit 0"),
      await dutctl("two", "lock"),
      await dutctl("none", "sh", "true"),
      await dutctl("two", "unlock"),
    ];
    assert.deepEqual(
      outcomes.map(({ code, stdout }) => [code, stdout.split("\n")[0]?.replace(/ (?:for|by) .*/, "")]),
      [
        [0, "- one"],
        [0, "3000000"],
        [0, '✓ Device "two" locked'],
        [122, ""],
        [0, '✓ Device "two" unlocked'],
      ],
    );
  }
});

test("a run that says nothing for longer than nginx waits goes on, because both ends ping", { skip }, async (t) => {
  await using lab = await Lab.open(t.signal);
  const { nginx } = await behindNginx(lab);
  const silent = async (device: string, protocol: string) => {
    const words = [
      "-s",
      nginx.clients,
      "-protocol",
      protocol,
      device,
      "sh",
      `echo on; sleep ${patience + 4}; echo over`,
    ];
    // Input that stays open, as at a terminal.
    return lab.start("dutctl", words).ended;
  };
  const over = { code: 0, stdout: "on\nover\n", stderr: "" };
  assert.deepEqual(await Promise.all([silent("one", "v1"), silent("two", "lab")]), [over, over]);
});

test("a server that is gone behind nginx cannot be reached", { skip }, async (t) => {
  await using lab = await Lab.open(t.signal);
  const { server, nginx } = await behindNginx(lab);
  await server.stop();
  const { code, stderr } = await lab.dutctl(["-s", nginx.clients, "list"]);
  assert.deepEqual([code, stderr], [121, "✗ the peer answers with HTTP status 502\n"]);
});
