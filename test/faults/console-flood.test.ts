import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Lab } from "#test/support/lab.ts";
import { logged } from "#test/support/log-records.ts";
import { peakMegabytes, resetPeak } from "#test/support/process-memory.ts";
import { openPtyPair, withoutSocat } from "#test/support/pty-pair.ts";
import { rounds } from "#test/support/rounds.ts";

const mebibytes = rounds(64, 1024);
const fileBytes = 1024 * 1024;

test(`${mebibytes} MiB from a console cost the agent neither memory nor disk, and who watches slowly holds nobody up`, {
  skip: withoutSocat,
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  await using pair = await openPtyPair();
  const recorded = { port: pair.device, record: lab.path("consoles"), "record-size": fileBytes, "record-files": 3 };
  const command = (options: object) => ({ uses: [{ module: "serial", passthrough: true, with: options }] });
  const watch = command({ port: pair.device, watch: true });
  const agent = await lab.agent({ board: { cmds: { console: command(recorded), watch } } });
  await logged(agent, { msg: "serial port open" });
  const stopped = lab.start("dutctl", ["-s", agent.address, "board", "watch"]);
  await stopped.said("stdout", /Connected/);
  stopped.kill("SIGSTOP");
  await resetPeak(agent.process.pid ?? 0);
  const begun = performance.now();
  const flood = `yes 'a line of a console that says the same again and again' | head -c ${mebibytes * 1024 * 1024} > "$1"`;
  const [code] = await once(spawn("sh", ["-c", flood, "sh", pair.farEnd]), "close");
  const seconds = (performance.now() - begun) / 1000;
  const peak = await peakMegabytes(agent.process.pid ?? 0);
  const { stdout } = await lab.dutctl(["-s", agent.address, "board", "console", "-history", "1", "-no-follow"]);
  stopped.kill("SIGCONT");
  stopped.kill("SIGINT");
  await stopped.ended;
  // While it records, files come and go.
  await agent.stop();
  const names = await readdir(lab.path("consoles"));
  const sizes = await Promise.all(names.map((name) => stat(join(lab.path("consoles"), name))));
  t.diagnostic(`${((mebibytes * 1.048576) / seconds).toFixed(1)} MB/s, agent ${peak.toFixed(0)} MB at most`);
  assert.deepEqual(
    {
      code,
      small: peak < 250,
      files: sizes.length <= 3 && sizes.every(({ size }) => size <= fileBytes),
      last: "a line of a console that says the same again and again\n".includes(stdout.trim()),
    },
    { code: 0, small: true, files: true, last: true },
  );
});
