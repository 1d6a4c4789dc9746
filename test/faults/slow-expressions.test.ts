import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { openPtyPair, withoutSocat } from "#test/support/pty-pair.ts";
import { openCalmCanary } from "./canary.ts";
import { untilFree } from "./free-devices.ts";

const kibibytes = 64;

test(`an expect for (a+)+b over ${kibibytes} KiB of a from a serial port costs its own time and nobody else's`, {
  skip: withoutSocat,
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  await using pair = await openPtyPair();
  const console = { uses: [{ module: "serial", passthrough: true, with: { port: pair.device } }] };
  const agent = await lab.agent({ board: { cmds: { console } }, other: { cmds: { sh: shellCommand } } });
  await using canary = await openCalmCanary(agent, "other");
  const words = ["-s", agent.address, "board", "console", "-t", "5s", "--", "expect", "(a+)+b"];
  const client = lab.start("dutctl", words);
  client.process.stdin.end();
  await client.said("stdout", /Connected/);
  const begun = performance.now();
  await writeFile(lab.path("speech"), `${"a".repeat(kibibytes * 1024)}!`);
  // A program of its own, because what the run does not read any more would block the writer for ever.
  lab.startWords(["sh", "-c", 'exec cat "$0" >"$1"', lab.path("speech"), pair.farEnd]);
  await canary.seen(10);
  const { code, stdout, stderr } = await client.ended;
  const shown = stdout.replaceAll(/[^a]/g, "").length;
  t.diagnostic(
    `the step ended ${(performance.now() - begun).toFixed(0)} ms after the board had begun to speak, ${shown} bytes shown`,
  );
  assert.deepEqual(
    [code, stderr.split("\n")[0]],
    [1, '✗ module failed: step 1 (expect "(a+)+b"): timeout of 5s reached without match'],
  );
  await canary.stop(t);
  await untilFree(agent);
});
