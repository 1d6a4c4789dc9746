import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Lab } from "#test/support/lab.ts";
import { peakMegabytes, resetPeak } from "#test/support/process-memory.ts";
import { buildPrograms } from "#test/support/programs.ts";
import { digestOf, writeRandomFile } from "#test/support/random-file.ts";

const mebibytes = 1024;
const mostMegabytes = 250;

test("a gibibyte goes through the server and comes back unchanged, and no process needs more than 250 MB", async (t) => {
  await using built = await buildPrograms();
  await using lab = await Lab.open(t.signal, built.programs);
  const server = await lab.server("-log", "info");
  const board = { cmds: { ft: { uses: [{ module: "dummy-ft", passthrough: true }] } } };
  const agent = await lab.agent({ board }, "-server", server.address, "-log", "info");
  const digest = await writeRandomFile(lab.path("in"), mebibytes);
  const daemons = { server: server.process.pid ?? 0, agent: agent.process.pid ?? 0 };
  await Promise.all(Object.values(daemons).map(resetPeak));
  const begun = performance.now();
  const client = lab.start("dutctl", ["-s", server.address, "-protocol", "lab", "board", "ft", "in", "out"]);
  client.process.stdin.end();
  let peak = 0;
  const pid = client.process.pid ?? 0;
  while (client.process.exitCode === null) {
    peak = Math.max(peak, await peakMegabytes(pid).catch(() => 0));
    await setTimeout(200);
  }
  const { code, stderr } = await client.ended;
  assert.equal(code, 0, stderr);
  const seconds = (performance.now() - begun) / 1000;
  const peaks = {
    client: peak,
    server: await peakMegabytes(daemons.server),
    agent: await peakMegabytes(daemons.agent),
  };
  const shown = Object.entries(peaks).map(([name, value]) => `${name} ${value.toFixed(0)} MB`);
  t.diagnostic(`${((mebibytes * 1.048576) / seconds).toFixed(0)} MB/s each way; ${shown.join(", ")}`);
  assert.equal(await digestOf(lab.path("out"), mebibytes), digest);
  for (const [name, value] of Object.entries(peaks)) {
    assert.ok(value > 0 && value <= mostMegabytes, `${name} needed ${value} MB`);
  }
});
