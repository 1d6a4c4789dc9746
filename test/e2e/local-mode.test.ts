import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import type { Child } from "#test/support/child.ts";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { openRollCall } from "#test/support/roll-call.ts";
import { claim } from "../../cmds/dutagent/users/claim.ts";
import { joinAgent } from "../../cmds/dutctl/local/join-agent.ts";

const board = { cmds: { sh: shellCommand } };

/** A configuration on this computer, whose agents have their sockets and their state inside the lab. */
class Bench implements AsyncDisposable {
  readonly lab: Lab;
  readonly config: string;

  private constructor(lab: Lab, config: string) {
    this.lab = lab;
    this.config = config;
    mkdirSync(lab.path("runtime"), { mode: 0o700 });
  }

  static async open(signal: AbortSignal): Promise<Bench> {
    const lab = await Lab.open(signal);
    return new Bench(lab, await lab.configuration({ board }));
  }

  dutctl(...args: readonly string[]): Child {
    const env = [`XDG_RUNTIME_DIR=${this.lab.path("runtime")}`, `XDG_STATE_HOME=${this.lab.path("state")}`];
    return this.lab.startWords(["env", ...env, ...this.lab.wordsOf("dutctl"), "-local", this.config, ...args]);
  }

  /** Runs a client to its end. */
  async ended(...args: readonly string[]) {
    const child = this.dutctl(...args);
    child.process.stdin.end();
    return child.ended;
  }

  async file(suffix: string): Promise<string> {
    const folder = this.lab.path("runtime/dutctl");
    const names = (await readdir(folder)).filter((name) => name.endsWith(suffix));
    assert.equal(names.length, 1, `${suffix}: ${names}`);
    return join(folder, String(names[0]));
  }

  async log(): Promise<string> {
    return readFile(await this.file(".log"), "utf8");
  }

  /** The process of the agent that serves; undefined when none does. */
  async agent(): Promise<number | undefined> {
    using member = await joinAgent(await this.file(".users"), AbortSignal.timeout(10_000));
    return member?.pid;
  }

  /** Resolves when no agent is there any more. */
  async deserted(): Promise<void> {
    using left = await claim(await this.file(".users.lock"), AbortSignal.timeout(30_000));
    assert.ok(left, "the agent is still there");
    assert.deepEqual(
      (await readdir(this.lab.path("runtime/dutctl"))).map((name) => name.replace(/^[^.]+/, "")),
      [".log", ".users.lock"],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const agent = await this.agent().catch(() => undefined);
    if (agent !== undefined) {
      process.kill(agent, "SIGKILL");
    }
    await this.lab[Symbol.asyncDispose]();
  }
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

test("a bench on this computer is served while it is used, and no longer", async (t) => {
  await using bench = await Bench.open(t.signal);
  assert.deepEqual(
    [await bench.ended("list"), await bench.ended("board", "sh", "echo here")],
    [
      { code: 0, stdout: "- board\n", stderr: "" },
      { code: 0, stdout: "here\n", stderr: "" },
    ],
  );
  await bench.deserted();
});

test("of many that come at once one starts the agent, and all are served by it", async (t) => {
  await using bench = await Bench.open(t.signal);
  const ended = await Promise.all(Array.from({ length: 5 }, () => bench.ended("list")));
  assert.deepEqual(ended, Array(5).fill({ code: 0, stdout: "- board\n", stderr: "" }));
  await bench.deserted();
  assert.equal(count(await bench.log(), "rpc service listening"), 1);
});

test("a client that is killed or interrupted is no user any more, and leaves nothing running", async (t) => {
  await using bench = await Bench.open(t.signal);
  await using roll = await openRollCall();
  const killed = bench.dutctl("board", "sh", roll.attend("killed"));
  await roll.came("killed");
  killed.kill("SIGKILL");
  await roll.gone("killed");
  const interrupted = bench.dutctl("board", "sh", roll.attend("interrupted"));
  await roll.came("interrupted");
  interrupted.kill("SIGINT");
  assert.equal((await interrupted.ended).code, 130);
  await roll.gone("interrupted");
  await bench.deserted();
});

test("a client that is killed while it waits for its agent leaves none behind", async (t) => {
  await using bench = await Bench.open(t.signal);
  const client = bench.dutctl("board", "sh", "true");
  for (;;) {
    // The agent has begun when it has made its lock.
    const found = await stat(bench.lab.path("runtime/dutctl")).then(
      () => readdir(bench.lab.path("runtime/dutctl")),
      () => [],
    );
    if (found.some((name) => name.endsWith(".lock"))) {
      break;
    }
  }
  client.kill("SIGKILL");
  await client.ended;
  assert.equal((await bench.ended("list")).code, 0);
});

test("an agent that is killed is replaced, whatever it has left", async (t) => {
  await using bench = await Bench.open(t.signal);
  await using roll = await openRollCall();
  const client = bench.dutctl("board", "sh", roll.attend("work"));
  await roll.came("work");
  process.kill(Number(await bench.agent()), "SIGKILL");
  const { code, stderr } = await client.ended;
  assert.deepEqual([code, /lost/.test(stderr)], [125, true]);
  await roll.gone("work");
  const ended = await Promise.all([bench.ended("list"), bench.ended("list")]);
  assert.deepEqual(ended, Array(2).fill({ code: 0, stdout: "- board\n", stderr: "" }));
  assert.equal(count(await bench.log(), "rpc service listening"), 2);
});

test("a configuration's problems are shown as they are, and are the user's to mend", async (t) => {
  await using bench = await Bench.open(t.signal);
  await writeFile(bench.config, 'version: "1.0.0-alpha.1"\ndevices:\n  board:\n    cmd: {}\n');
  const { code, stdout, stderr } = await bench.ended("list");
  assert.deepEqual([code, stdout], [2, ""]);
  const [first = "", second = ""] = stderr.split("\n");
  assert.match(first, new RegExp(`^✗ ${bench.config}:3:3: devices\\.board: `));
  assert.match(second, new RegExp(`^${bench.config}:4:5: devices\\.board\\.cmd: unknown key`));
  await rm(bench.config);
  assert.deepEqual(await bench.ended("list"), {
    code: 2,
    stdout: "",
    stderr: `✗ cannot read ${bench.config}: no such file or directory\n  name the configuration of a bench with -local\n`,
  });
});

test("a configuration that has changed is read again, when others use it as soon as they have gone", async (t) => {
  await using bench = await Bench.open(t.signal);
  await using roll = await openRollCall();
  assert.equal((await bench.ended("list")).stdout, "- board\n");
  const text = await readFile(bench.config, "utf8");
  await writeFile(bench.config, text.replace('"board"', '"plank"'));
  assert.deepEqual(await bench.ended("list"), { code: 0, stdout: "- plank\n", stderr: "" });
  const other = bench.dutctl("plank", "sh", roll.attend("work"));
  await roll.came("work");
  await writeFile(bench.config, text);
  const told = await bench.ended("list");
  assert.deepEqual([told.code, /^- plank /.test(told.stdout)], [0, true]);
  assert.match(told.stderr, /has changed, and others still use what was read before/);
  other.kill("SIGINT");
  await other.ended;
  assert.equal((await bench.ended("list")).stdout, "- board\n");
});

/** Resolves when the agent has a run whose client is away. */
async function awayAt(bench: Bench): Promise<void> {
  using agent = connectTo(parseAddress(`unix:${await bench.file(".sock")}`), { identity: undefined });
  for (let attached = true; attached; ) {
    const { runs } = await agent.runs.listRuns({});
    assert.deepEqual([runs.length, runs[0]?.device, runs[0]?.end], [1, "board", undefined]);
    attached = runs[0]?.attached === true;
  }
}

test("a run whose client is away for a while is a user for as long", async (t) => {
  await using bench = await Bench.open(t.signal);
  await using roll = await openRollCall();
  const client = bench.dutctl("-grace", "5s", "board", "sh", roll.attend("work"));
  await roll.came("work");
  client.kill("SIGKILL");
  const left = performance.now();
  await client.ended;
  await awayAt(bench);
  await roll.gone("work");
  assert.ok(performance.now() - left > 4_900, "the agent did not wait for the grace to be over");
  await bench.deserted();
});
