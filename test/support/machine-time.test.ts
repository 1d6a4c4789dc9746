import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Child } from "./child.ts";
import { openMachineTime } from "./machine-time.ts";

const passingMs = 1_000;

/** How much of some time such a clock shows, from 0 to 1. */
async function shareShown(programs: readonly Child[], pass: () => Promise<unknown>): Promise<number> {
  using time = openMachineTime(...programs);
  const [begun, shown] = [performance.now(), time.now()];
  await pass();
  return (time.now() - shown) / (performance.now() - begun);
}

const start = (...words: readonly string[]) => new Child(words, { cwd: "/", env: process.env });

test("time in which this process does not get on does not pass", async () => {
  const share = await shareShown([], async () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, passingMs);
  });
  assert.ok(share < 0.1, `${share}`);
});

test("time in which this process works passes", async () => {
  using time = openMachineTime();
  const [begun, shown] = [process.threadCpuUsage().user, time.now()];
  const workedMs = () => (process.threadCpuUsage().user - begun) / 1000;
  while (workedMs() < passingMs);
  assert.ok(time.now() - shown > 0.9 * passingMs);
});

test("time in which a program waits for a processor does not pass", {
  skip: existsSync("/proc/self/schedstat") ? false : "needs the scheduler's statistics of Linux",
}, async () => {
  const busy = ["taskset", "-c", "0", "sh", "-c", "echo busy; while :; do :; done"];
  await using one = start(...busy);
  await using other = start(...busy);
  await Promise.all([one.said("stdout", /busy/), other.said("stdout", /busy/)]);
  const share = await shareShown([one], () => wait(passingMs));
  assert.ok(share < 0.9, `${share}`);
});

test("time in which a program is stopped passes, and so does time after its end", async () => {
  await using program = start("sleep", "600");
  using time = openMachineTime(program);
  const passes = async () => {
    for (const begun = time.now(); time.now() - begun < passingMs; ) {
      await wait(10);
    }
  };
  program.kill("SIGSTOP");
  await passes();
  program.kill("SIGKILL");
  await program.ended;
  await passes();
});
