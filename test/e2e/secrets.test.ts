// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of configurations look like those of JavaScript
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { Lab, shellCommand } from "#test/support/lab.ts";

const use = (module: string, options: object) => ({ uses: [{ module, passthrough: true, with: options }] });

/** Options that are secrets, in modules that show their options in help and errors, and fail when they open or run. */
const devices = {
  board: {
    cmds: {
      console: use("serial", { port: "/dev/${env:CANARY}" }),
      broken: use("shell", { path: "${file:canary.txt}" }),
      sh: shellCommand,
    },
  },
  twin: { cmds: { console: use("serial", { port: "/dev/${env:CANARY}" }) } },
};

test("a secret of the configuration is shown nowhere", async (t) => {
  await using lab = await Lab.open(t.signal);
  await writeFile(lab.path("canary.txt"), "/no/canary-in-a-file/sh\n");
  const path = await lab.configuration(devices);
  const bad = lab.path("bad.yaml");
  const wait = { uses: [{ module: "time-wait", with: { duration: "${env:CANARY}", x: "${file:canary.txt}" } }] };
  await writeFile(bad, JSON.stringify({ devices: { board: { cmds: { wait } } } }));

  process.env.CANARY = "canary-in-a-variable";
  t.after(() => delete process.env.CANARY);
  const checks = await Promise.all(
    [
      ["-check-config", "-c", path],
      ["-check-config", "-c", bad],
      ["-dry-run", "-c", path],
      ["-dry-run", "-log-json", "-c", path],
      ["-v", "-c", path],
      ["schema", "-c", path],
      ["modules"],
    ].map((args) => lab.start("dutagent", args).ended),
  );
  const agent = await lab.agent(path);
  delete process.env.CANARY;

  const clients = [];
  for (const words of [
    ["list"],
    ["-l", "list"],
    ["-f", "json", "list"],
    ["board"],
    ["describe", "board"],
    ["-f", "jsonl", "describe", "board"],
    ["board", "console", "help"],
    ["board", "broken", "help"],
    ["board", "console", "send", "x"],
    ["-f", "json", "board", "console", "-t", "1s", "send", "x"],
    ["-protocol", "v1", "board", "console", "send", "x"],
    ["board", "broken", "true"],
    ["-v", "board", "broken", "true"],
    ["runs"],
    ["twin", "lock"],
    ["-u", "bob@h", "board", "console", "send", "x"],
    ["-u", "bob@h", "-protocol", "v1", "board", "lock"],
    ["-l", "list"],
    ["board", "sh", "cat /proc/self/environ; ps -eww -o args"],
  ]) {
    clients.push(await lab.dutctl(["-s", agent.address, ...words]));
  }
  await writeFile(path, JSON.stringify({ devices: { ...devices, board: { cmds: { wait } } } }));
  agent.kill("SIGHUP");
  await agent.said("stderr", /configuration not changed/);
  const ended = await agent.stop();

  const texts = [...checks, ...clients, ended].flatMap(({ stdout, stderr }) => [stdout, stderr]);
  const leaks = texts.flatMap((text) => text.split("\n")).filter((line) => /canary-in|canary%2D/.test(line));
  assert.deepEqual(leaks, []);
  const masked = texts.filter((text) => text.includes("***"));
  assert.ok(masked.length >= 12, `masked in ${masked.length} texts only`);
});
