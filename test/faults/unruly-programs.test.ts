import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { type Daemon, Lab, shellCommand } from "#test/support/lab.ts";
import { openMachineTime } from "#test/support/machine-time.ts";
import { peakMegabytes, resetPeak } from "#test/support/process-memory.ts";
import { openRollCall } from "#test/support/roll-call.ts";
import { openCalmCanary } from "./canary.ts";
import { untilFree } from "./free-devices.ts";

const gigabytes = 2;
/** A tenth of what passes, for what a garbage collector leaves lying when the computer is busy. */
const mostGrownMegabytes = (gigabytes * 1000) / 10;
const goneWithinMs = 12_000;
const board = { cmds: { sh: shellCommand } };

function pidOf({ process: { pid } }: { readonly process: { readonly pid?: number | undefined } }): number {
  assert.ok(pid !== undefined);
  return pid;
}

for (const protocol of ["v1", "lab"] as const) {
  test(`${gigabytes} GB of output pass through all three programs in constant memory, over ${protocol}`, async (t) => {
    await using lab = await Lab.open(t.signal);
    const server = await lab.server("-log", "info");
    const agent = await lab.agent({ board, other: board }, "-server", server.address, "-log", "info");
    await using canary = await openCalmCanary(server, "other", agent);
    const daemons = [server, agent].map(pidOf);
    await Promise.all(daemons.map(resetPeak));
    const before = await Promise.all(daemons.map(peakMegabytes));
    const begun = performance.now();
    const words = [
      "-s",
      server.address,
      "-protocol",
      protocol,
      "board",
      "sh",
      `head -c ${gigabytes}000000000 /dev/zero`,
    ];
    const shell = ['"$@" & echo "pid $!" >&2; wait "$!"', "sh", ...lab.wordsOf("dutctl"), ...words];
    const client = lab.startWords(["sh", "-c", `exec 3>&1; { ${shell[0]}; } | wc -c >&3`, ...shell.slice(1)]);
    client.process.stdin.end();
    const [, clientPid = ""] = await client.said("stderr", /pid (\d+)/);
    let peak = 0;
    while (client.process.exitCode === null) {
      peak = Math.max(peak, await peakMegabytes(Number(clientPid)).catch(() => 0));
      await setTimeout(100);
    }
    const { stdout } = await client.ended;
    const seconds = (performance.now() - begun) / 1000;
    const after = await Promise.all(daemons.map(peakMegabytes));
    const grown = after.map((megabytes, index) => Math.round(megabytes - (before[index] ?? 0)));
    const speed = ((gigabytes * 1000) / seconds).toFixed(0);
    t.diagnostic(`${speed} MB/s; server +${grown[0]} MB, agent +${grown[1]} MB, client ${peak.toFixed(0)} MB in all`);
    assert.equal(stdout.trim(), `${gigabytes}000000000`);
    assert.ok(peak > 0 && peak < 250, `the client needed ${peak} MB`);
    assert.ok(
      grown.every((megabytes) => megabytes < mostGrownMegabytes),
      `grown by ${grown} MB`,
    );
    await canary.stop(t);
    await untilFree(agent);
  });
}

test("a program that ignores SIGTERM and a daemon that left its session are dead within 12 s of a cancel", async (t) => {
  await using lab = await Lab.open(t.signal);
  await using roll = await openRollCall();
  const agent = await lab.agent({ board });
  const daemon = `(setsid sh -c 'setsid ${roll.attend("daemon", "deaf")} &' </dev/null >/dev/null 2>&1 &)`;
  const command = `${daemon}\n${roll.attend("deaf", "deaf")}`;
  const client = lab.start("dutctl", ["-s", agent.address, "board", "sh", command]);
  await Promise.all([roll.came("daemon"), roll.came("deaf")]);
  using machine = openMachineTime(client, agent);
  const cancelled = machine.now();
  client.kill("SIGINT");
  await Promise.all([roll.gone("daemon"), roll.gone("deaf")]);
  const took = machine.now() - cancelled;
  t.diagnostic(`dead after ${(took / 1000).toFixed(1)} s`);
  assert.deepEqual([took < goneWithinMs, (await client.ended).code], [true, 130]);
  await untilFree(agent);
});

/** Doubles itself seven times over: 255 processes, half of them in sessions of their own, all of them deaf. */
const bomb = `
grow() {
  trap '' HUP INT TERM
  if [ "$1" -gt 0 ]; then
    grow $(($1 - 1)) &
    setsid sh -c "$SELF" sh $(($1 - 1)) &
  fi
  exec sleep 600
}
grow "$1"
`;

/** The processes that carry a variable with this value in their environment. */
async function carriersOf(value: string): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const carriers = pids.map(async (pid) => {
    const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
    return environment.includes(value) ? [Number(pid)] : [];
  });
  return (await Promise.all(carriers)).flat();
}

async function untilCarriers(value: string, enough: (count: number) => boolean): Promise<void> {
  while (!enough((await carriersOf(value)).length)) {
    await setTimeout(50);
  }
}

async function startBomb(lab: Lab, agent: Daemon) {
  const mark = `BOMB=${randomUUID()}`;
  const command = `export ${mark}; export SELF='${bomb.replaceAll("'", `'\\''`)}'; sh -c "$SELF" sh 7`;
  const client = lab.start("dutctl", ["-s", agent.address, "board", "sh", command]);
  await untilCarriers(mark, (count) => count >= 200);
  return { client, mark };
}

test("a fork bomb of 255 processes is gone within 12 s of a cancel, and others are served meanwhile", async (t) => {
  await using lab = await Lab.open(t.signal);
  const agent = await lab.agent({ board, other: board });
  await using canary = await openCalmCanary(agent, "other");
  const { client, mark } = await startBomb(lab, agent);
  await canary.seen(3);
  using machine = openMachineTime(client, agent);
  const cancelled = machine.now();
  client.kill("SIGINT");
  await untilCarriers(mark, (count) => count === 0);
  const took = machine.now() - cancelled;
  t.diagnostic(`gone after ${(took / 1000).toFixed(1)} s`);
  assert.deepEqual([took < goneWithinMs, (await client.ended).code], [true, 130]);
  await canary.stop(t);
  await untilFree(agent);
});
