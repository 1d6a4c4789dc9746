import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { parseConfig } from "#pkg/config/parse-config.ts";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import { Locks } from "#pkg/lock/locks.ts";
import { silentLog } from "#pkg/log/log.ts";
import { type Call, defineModule } from "#pkg/modules/module.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { openBench } from "./bench.ts";
import { RunEngine } from "./run-engine.ts";

/** Goes on until it is stopped. Offers its device to anybody, or to its owner only. */
async function goOn({ args, hold, session, signal }: Call): Promise<void> {
  using _ = hold?.offer(args.includes("anybody") ? "anybody" : "owner", (to) => void session.print(`given to ${to}`));
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
}

const kinds = [
  defineModule({
    name: "work",
    summary: "",
    config: z.strictObject({}),
    help: () => "",
    takesOver: (args) => args.includes("take"),
    open: async () => ({ run: goOn, [Symbol.asyncDispose]: async () => {} }),
  }),
  defineModule({
    name: "look",
    summary: "",
    config: z.strictObject({}),
    help: () => "",
    observes: () => true,
    open: async () => ({ run: goOn, [Symbol.asyncDispose]: async () => {} }),
  }),
];

const config = `devices:
  board:
    cmds:
      work: { uses: [{ module: work, passthrough: true }] }
      watch: { uses: [{ module: look }, { module: look }] }
      both: { uses: [{ module: look }, { module: work, passthrough: true }] }
`;

async function openEngine() {
  const parsed = parseConfig("test.yaml", config, kinds);
  const bench = await openBench(parsed, { host: {} as Host, log: silentLog, signal: new AbortController().signal });
  const locks = await Locks.open({ store: memoryStore() });
  const engine = new RunEngine(bench, locks, silentLog);
  const start = (owner: string, command: string, ...args: string[]) =>
    engine.start({ device: "board", command, args, owner }).run;
  const refusal = (owner: string, command: string, ...args: string[]) => {
    try {
      start(owner, command, ...args);
      return "started";
    } catch (error) {
      return (error as DutError).message;
    }
  };
  return { engine, locks, start, refusal };
}

const locked = (by: string) => `device "board" is locked by "${by}"`;

test("runs that only look are in nobody's way, whoever has the device, and are not cancelled with what runs on it", async () => {
  const { engine, locks, start, refusal } = await openEngine();
  await locks.reserve("board", "alice");
  const watchers = [start("bob", "watch"), start("bob", "watch"), start("carol", "watch")];
  const work = start("alice", "work");
  const both = refusal("bob", "both");
  await engine.cancelRunsOn("board", new DutError("aborted", "by force"));
  const outcomes = [work, ...watchers].map(({ outcome }) => outcome?.error?.code ?? "goes on");
  await engine.stop(new DutError("unavailable", "over"));
  assert.deepEqual(
    [both.startsWith(locked("alice")), outcomes, locks.holdOf("board")],
    [true, ["aborted", "goes on", "goes on", "goes on"], undefined],
  );
});

test("a run that offers its device loses it to a run that takes over, and goes on without", async () => {
  const { engine, locks, start, refusal } = await openEngine();
  const first = start("alice", "work");
  const attempts = [refusal("alice", "work"), refusal("bob", "work", "take")];
  const second = start("alice", "work", "take", "anybody");
  const third = start("bob", "both", "take", "anybody");
  attempts.push(refusal("carol", "work"), refusal("carol", "work", "take"));
  const holder = locks.holdOf("board")?.runId;
  await engine.cancelRunsOn("board", new DutError("canceled", "enough"));
  const goOnStill = [first, second].map(({ outcome }) => outcome === undefined);
  const afterwards = locks.holdOf("board");
  await engine.stop(new DutError("unavailable", "over"));
  assert.deepEqual(
    [attempts, holder === third.facts.id, goOnStill, afterwards],
    [[locked("alice"), locked("alice"), locked("bob"), locked("bob")], true, [true, true], undefined],
  );
});

test("who may not have the device takes it from nobody", async () => {
  const { engine, locks, start, refusal } = await openEngine();
  const first = start("alice", "work", "anybody");
  await locks.reserve("board", "alice");
  const refused = refusal("bob", "work", "take");
  const holder = locks.holdOf("board")?.runId;
  await engine.stop(new DutError("unavailable", "over"));
  assert.deepEqual([refused.startsWith(locked("alice")), holder], [true, first.facts.id]);
});
