// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of configurations look like those of JavaScript
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { openRollCall } from "#test/support/roll-call.ts";

const use = (module: string, options: object) => ({ uses: [{ module, passthrough: true, with: options }] });

const devices = {
  board: {
    cmds: {
      console: use("serial", { port: "/dev/${env:CANARY}" }),
      remote: use("ssh", { host: "127.0.0.1", port: 1, password: "${file:canary.txt}", trust: "any", timeout: "5s" }),
      broken: use("shell", { path: "${file:canary.txt}" }),
      sh: shellCommand,
    },
  },
};

const canary = /canary-in|canary%2D|Y2FuYXJ5/;

/** Command lines and environments of everything that the agent has started, as other users of its computer see them. */
async function descendantsOf(agent: number): Promise<string> {
  const texts: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== agent)) {
    const of = (what: string) => readFile(`/proc/${pid}/${what}`, "latin1").catch(() => "");
    const environment = await of("environ");
    if (environment.includes("DUT_RUN=") && environment.includes("THIS_TEST=hidden-secrets")) {
      texts.push(await of("cmdline"), environment);
    }
  }
  return texts.join("\n");
}

test("a secret is in no answer, log, command line or environment, through a server and over both protocols", async (t) => {
  await using lab = await Lab.open(t.signal);
  await using roll = await openRollCall();
  await writeFile(lab.path("canary.txt"), "canary-in-a-file\n");
  const config = await lab.configuration(devices);
  process.env.CANARY = "canary-in-a-variable";
  process.env.THIS_TEST = "hidden-secrets";
  t.after(() => {
    delete process.env.CANARY;
    delete process.env.THIS_TEST;
  });
  const server = await lab.server();
  const agent = await lab.agent(config, "-server", server.address);
  delete process.env.CANARY;

  const work = lab.start("dutctl", ["-s", server.address, "board", "sh", roll.attend("work")]);
  await roll.came("work");
  const started = await descendantsOf(agent.process.pid ?? 0);
  const beside = [
    ["-v", "-l", "list"],
    ["-v", "board"],
    ["describe", "board"],
    ["runs"],
    ["-u", "bob@h", "board", "sh", "true"],
    ["-u", "bob@h", "-v", "board", "lock"],
  ];
  const answers = [];
  for (const words of beside) {
    answers.push(await lab.dutctl(["-s", server.address, ...words]));
  }
  work.kill("SIGINT");
  answers.push(await work.ended);
  for (const protocol of ["v1", "lab"]) {
    for (const command of ["console", "remote", "broken"]) {
      for (const words of [["help"], ["send", "x"], ["true"]]) {
        answers.push(await lab.dutctl(["-s", server.address, "-v", "-protocol", protocol, "board", command, ...words]));
      }
    }
    const look = "cat /proc/self/environ; env; ps -eww -o args";
    answers.push(await lab.dutctl(["-s", server.address, "-protocol", protocol, "board", "sh", look]));
  }
  const logs = await Promise.all([agent.stop(), server.stop()]);

  const texts = [started, ...[...answers, ...logs].flatMap(({ stdout, stderr }) => [stdout, stderr])];
  assert.deepEqual(
    texts.flatMap((text) => text.split("\n")).filter((line) => canary.test(line)),
    [],
  );
  assert.ok(started.includes("THIS_TEST"));
  assert.ok(texts.some((text) => text.includes("***")));
});
