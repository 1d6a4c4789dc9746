import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Lab } from "#test/support/lab.ts";
import { buildPrograms } from "#test/support/programs.ts";
import { peakMegabytes, resetPeak } from "../bench/memory.ts";

const mebibytes = 1024;
const mostMegabytes = 250;

test("a gibibyte goes through the server and comes back unchanged, and no process needs more than 250 MB", async (t) => {
  await using built = await buildPrograms();
  await using lab = await Lab.open(t.signal, built.programs);
  const server = await lab.server("-log", "info");
  const board = { cmds: { ft: { uses: [{ module: "dummy-ft", passthrough: true }] } } };
  const agent = await lab.agent({ board }, "-server", server.address, "-log", "info");
  const digest = await writeRandomFile(lab.path("in"));
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
  assert.equal(await digestOf(lab.path("out"), mebibytes * 1024 * 1024), digest);
  for (const [name, value] of Object.entries(peaks)) {
    assert.ok(value > 0 && value <= mostMegabytes, `${name} needed ${value} MB`);
  }
});

/** Writes content that does not repeat, and returns its SHA-256. */
async function writeRandomFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  const block = Buffer.alloc(1024 * 1024);
  crypto.getRandomValues(block.subarray(0, 65_536));
  await using file = await open(path, "w");
  for (let index = 0; index < mebibytes; index++) {
    block.writeUInt32LE(index, (index * 4) % block.length);
    hash.update(block);
    await file.write(block);
  }
  return hash.digest("hex");
}

async function digestOf(path: string, bytes: number): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { end: bytes - 1 })) {
    hash.update(chunk as Buffer);
  }
  return hash.digest("hex");
}
