import assert from "node:assert/strict";
import { test } from "node:test";
import { Lab } from "#test/support/lab.ts";
import { openMachineTime } from "#test/support/machine-time.ts";
import { digestOf, writeRandomFile } from "#test/support/random-file.ts";
import { rounds } from "#test/support/rounds.ts";
import { openTcpProxy } from "#test/support/tcp-proxy.ts";

const mebibytes = rounds(96, 1024);
/** In each direction: 100 ms there and back. */
const delayMs = 50;

const board = { cmds: { ft: { uses: [{ module: "dummy-ft", passthrough: true }] } } };

interface Far {
  readonly who: string;
  /** Megabytes a second. */
  readonly least: number;
}

/**
 * A server has no more than limits.relayWindowBytes on the way from an agent, since a client that stands still costs it
 * that: 10 MB/s at most over such a line, and a busy computer lengthens it.
 */
const places: readonly Far[] = [
  { who: "a client", least: 8 },
  { who: "an agent", least: 2 },
];

for (const { who, least } of places) {
  test(`${mebibytes} MiB go through a server and back, at least ${least} MB/s each way, when ${who} is 100 ms away from it`, async (t) => {
    await using lab = await Lab.open(t.signal);
    const server = await lab.server();
    await using line = await openTcpProxy(server.address, () => ({ delayMs }));
    const [ofClient, ofAgent] = who === "a client" ? [line.address, server.address] : [server.address, line.address];
    const agent = await lab.agent({ board }, "-a", "none", "-server", ofAgent);
    const digest = await writeRandomFile(lab.path("in"), mebibytes);
    const client = lab.start("dutctl", ["-s", ofClient, "-protocol", "lab", "board", "ft", "in", "out"]);
    client.process.stdin.end();
    using machine = openMachineTime(client, server, agent);
    const begun = machine.now();
    const { code, stderr } = await client.ended;
    const seconds = (machine.now() - begun) / 1000;
    assert.equal(code, 0, stderr);
    const rate = (mebibytes * 1.048576) / seconds;
    t.diagnostic(`${rate.toFixed(1)} MB/s each way`);
    assert.equal(await digestOf(lab.path("out"), mebibytes), digest);
    assert.ok(Math.min(line.passed.up, line.passed.down) > mebibytes * 2 ** 20, "the file took another line");
    assert.ok(rate >= least, `${rate} MB/s`);
  });
}
