import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openRollCall } from "#test/support/roll-call.ts";
import { nodeProcesses } from "./node-processes.ts";
import type { HostProcess, ProcessOptions } from "./processes.ts";

const processes = nodeProcesses();
const linuxOnly = { skip: process.platform === "linux" ? false : "needs /proc, which only Linux has" };

const shell = (command: string, signal: AbortSignal, options: Partial<ProcessOptions> = {}) =>
  processes.start({ program: "/bin/sh", args: ["-c", command], signal, ...options });

const text = async (output: AsyncIterable<Uint8Array>) => Buffer.concat(await Array.fromAsync(output)).toString();

async function whole({ stdout, stderr, exited }: HostProcess) {
  const [out, err, status] = await Promise.all([text(stdout), text(stderr), exited]);
  return { out, err, status };
}

/** A run that the test ends, or the test's own end. */
function run(t: TestContext) {
  const ending = new AbortController();
  return { abort: () => ending.abort(), signal: AbortSignal.any([t.signal, ending.signal]) };
}

test("cancel asks the whole group to end, and what it says last is heard", async (t) => {
  await using roll = await openRollCall();
  const { signal, abort } = run(t);
  await using program = await shell(`trap 'echo orderly; exit 7' TERM; ${roll.attend("member")} & wait`, signal);
  const all = whole(program);
  await roll.came("member");
  abort();
  assert.deepEqual(await all, { out: "orderly\n", err: "", status: { kind: "exited", code: 7 } });
  await roll.gone("member");
});

test("cancel kills a group that does not listen when its grace is over", async (t) => {
  await using roll = await openRollCall();
  const { signal, abort } = run(t);
  await using program = await shell(`exec ${roll.attend("deaf", "deaf")}`, signal, { graceMs: 50 });
  await roll.came("deaf");
  abort();
  assert.deepEqual(await program.exited, { kind: "killed", signal: "SIGKILL" });
  await roll.gone("deaf");
});

test("cancel leaves the group its grace when the leader ends first", async (t) => {
  const { signal, abort } = run(t);
  const member = "trap 'sleep 1.5; echo finished the page; exit' TERM; echo ready; while :; do sleep 0.01; done";
  await using program = await shell(`sh -c "${member}" & trap - TERM; wait`, signal);
  const said: string[] = [];
  for await (const piece of program.stdout) {
    said.push(String(piece));
    abort();
  }
  assert.deepEqual(
    [said, await program.exited],
    [["ready\n", "finished the page\n"], { kind: "killed", signal: "SIGTERM" }],
  );
});

test("cancel by SIGKILL gives no grace", async (t) => {
  const { signal, abort } = run(t);
  await using program = await shell("trap 'echo orderly' TERM; echo ready; while :; do sleep 0.01; done", signal, {
    endWith: "SIGKILL",
  });
  const output = program.stdout[Symbol.asyncIterator]();
  await output.next();
  abort();
  assert.deepEqual(
    [await output.next(), await program.exited],
    [
      { value: undefined, done: true },
      { kind: "killed", signal: "SIGKILL" },
    ],
  );
});

test("cancel finds a daemon that left group and session", linuxOnly, async (t) => {
  await using roll = await openRollCall();
  const { signal, abort } = run(t);
  await using program = await shell(`setsid ${roll.attend("daemon", "deaf")} >/dev/null 2>&1 & wait; sleep 60`, signal);
  await roll.came("daemon");
  abort();
  assert.deepEqual(await program.exited, { kind: "killed", signal: "SIGTERM" });
  await roll.gone("daemon");
});

test("cancel ends all of a program that starts others as fast as it can, each deaf and in a session of its own", {
  ...linuxOnly,
  timeout: 30_000,
}, async (t) => {
  const { signal, abort } = run(t);
  const sleep = `sleep 1000.${process.pid}`;
  const deaf = `setsid sh -c "trap '' TERM HUP; ${sleep} & ${sleep}"`;
  const program = shell(
    `trap '' TERM; n=0; while [ $n -lt 60 ]; do n=$((n + 1)); ${deaf} & done; echo ready; ${sleep}`,
    signal,
    {
      graceMs: 50,
    },
  );
  await using bomb = await program;
  await bomb.stdout[Symbol.asyncIterator]().next();
  abort();
  assert.deepEqual(await bomb.exited, { kind: "killed", signal: "SIGKILL" });
  const { stdout: alive } = spawnSync("grep", ["-las", sleep.replace(" ", "."), ...globSync("/proc/[0-9]*/cmdline")]);
  assert.equal(String(alive), "");
});

test("what a program leaves running with its output open is ended soon after it", async (t) => {
  await using roll = await openRollCall();
  await using program = await shell(`${roll.attend("left", "deaf")} & echo done`, t.signal);
  assert.deepEqual(await whole(program), { out: "done\n", err: "", status: { kind: "exited", code: 0 } });
});

test("what a program leaves running does not stretch it by writing on and on", async (t) => {
  await using program = await shell("yes & exit 0", t.signal);
  // The shell may have to wait for a processor before it can end, and yes writes a gigabyte in a second.
  const unended = 1024 ** 3;
  let bytes = 0;
  for await (const piece of program.stdout) {
    bytes += piece.length;
    if (bytes > unended) {
      break;
    }
  }
  assert.deepEqual(await program.exited, { kind: "exited", code: 0 });
  assert.ok(bytes <= unended, `${bytes} bytes`);
});

test("the output that a daemon holds open is abandoned", linuxOnly, async (t) => {
  await using roll = await openRollCall();
  await using program = await shell(`setsid ${roll.attend("daemon")} & echo done`, t.signal);
  assert.deepEqual(await whole(program), { out: "done\n", err: "", status: { kind: "exited", code: 0 } });
});

test("a background program that closed the outputs goes on after an orderly end", async (t) => {
  await using roll = await openRollCall();
  {
    await using program = await shell(`${roll.attend("background")} >/dev/null 2>&1 & echo done`, t.signal);
    assert.deepEqual(await whole(program), { out: "done\n", err: "", status: { kind: "exited", code: 0 } });
  }
  await roll.came("background");
  assert.equal(roll.present("background"), true);
});

test("disposing kills the group without grace, and again is harmless", async (t) => {
  await using roll = await openRollCall();
  const program = await shell(`${roll.attend("member", "deaf")} & exec ${roll.attend("leader", "deaf")}`, t.signal);
  await Promise.all([roll.came("member"), roll.came("leader")]);
  await program[Symbol.asyncDispose]();
  await program[Symbol.asyncDispose]();
  program.kill("SIGTERM");
  assert.deepEqual(await program.exited, { kind: "killed", signal: "SIGKILL" });
  await Promise.all([roll.gone("member"), roll.gone("leader")]);
});

test("disposing cuts a grace short", async (t) => {
  await using roll = await openRollCall();
  const { signal, abort } = run(t);
  const program = await shell(`exec ${roll.attend("deaf", "deaf")}`, signal, { graceMs: 2 ** 30 });
  await roll.came("deaf");
  abort();
  await program[Symbol.asyncDispose]();
  assert.deepEqual(await program.exited, { kind: "killed", signal: "SIGKILL" });
});

test("kill reaches every member of the group", async (t) => {
  await using roll = await openRollCall();
  await using program = await shell(`${roll.attend("member")} & exec ${roll.attend("leader")}`, t.signal);
  await Promise.all([roll.came("member"), roll.came("leader")]);
  program.kill("SIGUSR2");
  assert.deepEqual(await program.exited, { kind: "killed", signal: "SIGUSR2" });
  await Promise.all([roll.gone("member"), roll.gone("leader")]);
});

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  test(`nothing outlives an agent that was ended by ${signal}`, linuxOnly, async (t) => {
    await using roll = await openRollCall();
    const names = ["leader", "member", "daemon"] as const;
    const [leader, member, daemon] = names.map((name) => roll.attend(name, "deaf"));
    const agent = spawn(
      process.execPath,
      [
        fileURLToPath(import.meta.resolve("#test/programs/doomed-agent.ts")),
        `${member} & setsid ${daemon} & exec ${leader}`,
      ],
      { stdio: ["ignore", "inherit", "inherit"], signal: t.signal },
    );
    await Promise.all(names.map(roll.came));
    agent.kill(signal);
    await Promise.all(names.map(roll.gone));
  });
}
