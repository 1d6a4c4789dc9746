import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { Lab } from "#test/support/lab.ts";
import { badLine } from "#test/support/line-fault.ts";
import { freshSeed } from "#test/support/pseudo-random.ts";
import { rounds } from "#test/support/rounds.ts";
import { openTcpProxy } from "#test/support/tcp-proxy.ts";
import { dutctl } from "../../cmds/dutctl/test/recorded-world.ts";

const runs = rounds(20, 400);
const atOnce = 4;

const content = Buffer.alloc(20_000, "firmware ");
const job = {
  uses: [
    { module: "shell", args: ["seq 1000"] },
    { module: "dummy-ft", passthrough: true },
  ],
};
const processed = `${content}\n\nprocessed by dummy.FT module\n`;
const whole = { code: 0, stderr: "", printed: true, received: true };
const printed = Array.from({ length: 1000 }, (_, index) => `${index + 1}\n`).join("");

test(`${runs} runs over lines that are late, jittery, narrow and sliced come out whole`, async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const names = Array.from({ length: atOnce }, (_, index) => `board-${index}`);
  const devices = Object.fromEntries(names.map((name) => [name, { cmds: { job } }]));
  await using toServer = await openTcpProxy(server.address, (_, random) => badLine(random), freshSeed(t));
  await lab.agent(devices, "-server", toServer.address);
  await writeFile(lab.path("in"), content);
  const outcomes: unknown[] = [];
  await Promise.all(
    names.map(async (name) => {
      for (let run = 0; run < runs / atOnce; run++) {
        const protocol = run % 2 === 0 ? "v1" : "lab";
        const output = `out-${name}-${run}`;
        const words = ["-s", toServer.address, "-protocol", protocol, name, "job", "in", output];
        const { code, stdout, stderr } = await dutctl(words, { directory: lab.directory });
        const received = await readFile(lab.path(output), "utf8").catch(absent);
        outcomes.push({ code, stderr, printed: stdout.startsWith(printed), received: received === processed });
      }
    }),
  );
  assert.deepEqual([outcomes.length, outcomes.filter((outcome) => !isDeepStrictEqual(outcome, whole))], [runs, []]);
});

/** A file that a run did not bring is no text. */
function absent({ code }: NodeJS.ErrnoException): undefined {
  assert.equal(code, "ENOENT");
}

for (const protocol of ["v1", "lab"]) {
  test(`a file that fills a narrow line for longer than a ping may take arrives, over ${protocol}`, async (t) => {
    await using lab = await Lab.open(t.signal);
    const agent = await lab.agent({ board: { cmds: { job } } });
    await using narrow = await openTcpProxy(agent.address, () => ({ bytesPerSecond: 50_000 }));
    await writeFile(lab.path("in"), Buffer.alloc(1_000_000, "firmware "));
    const words = ["-s", narrow.address, "-protocol", protocol, "board", "job", "in", "out"];
    const { code, stderr } = await dutctl(words, { directory: lab.directory });
    assert.deepEqual([code, stderr], [0, ""]);
  });
}
