import assert from "node:assert/strict";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { silentLog } from "#pkg/log/log.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { grantsOf } from "../../files/grants.ts";
import { parseOptions } from "../../options.ts";
import type { TerminalSize, UserConsole } from "../../terminal/user-console.ts";
import { aliceAtDesk } from "../../test/alice-at-desk.ts";
import { JournalAgent } from "../../test/journal-agent.ts";
import { ended, print, type Step } from "../../test/journal-steps.ts";
import type { ForwardedSignal } from "../../world.ts";
import { LabRun } from "./lab-run.ts";

/** A console of memory whose user does what a test says. */
function memoryConsole() {
  const left = new AbortController();
  const said: unknown[] = [];
  let tellSize: (size: TerminalSize) => void = () => {};
  let tellSignal: (name: ForwardedSignal) => void = () => {};
  const heard = Promise.withResolvers<void>();
  const console: UserConsole = {
    terminal: { type: "xterm", size: { rows: 24, columns: 80 } },
    input: (async function* (): AsyncGenerator<Uint8Array> {
      await new Promise(() => {});
    })(),
    left: left.signal,
    wasRaw: false,
    rawMode: (on) => void said.push(["raw", on]),
    onResize(listener) {
      tellSize = listener;
      return { [Symbol.dispose]() {} };
    },
    async show(source, bytes) {
      said.push([source, Buffer.from(bytes).toString()]);
      heard.resolve();
    },
    progress: ({ label, done, total }) => void said.push(["progress", label, done, total]),
    waiting() {},
    async [Symbol.asyncDispose]() {},
  };
  return {
    console,
    said,
    /** Resolves when something was shown. */
    heard: heard.promise,
    leave: () => left.abort(new DutError("canceled", "left the console")),
    resize: (size: TerminalSize) => tellSize(size),
    signal: (name: ForwardedSignal) => tellSignal(name),
    onSignal(listener: (name: ForwardedSignal) => void): Disposable {
      tellSignal = listener;
      return { [Symbol.dispose]() {} };
    },
  };
}

/** Runs against an agent with a memory console, and returns what was thrown. */
async function runOn(agent: JournalAgent, user: ReturnType<typeof memoryConsole>): Promise<unknown> {
  using connection = connectTo(parseAddress(agent.address), { identity: "alice@desk" });
  const out = { format: "text" as const, write: async () => {} };
  const note = async (text: string) => void user.said.push(["note", text]);
  const world = {
    ...aliceAtDesk,
    stdin: () => user.console.input,
    stdout: { isTerminal: false, write: async () => {} },
    stderr: { isTerminal: false, write: async () => {} },
    signal: new AbortController().signal,
    onSignal: user.onSignal,
  };
  const context = {
    connection,
    devices: connection.devices,
    server: agent.address,
    options: parseOptions({}),
    identity: "alice@desk",
    out,
    subject: { device: undefined, command: undefined, runId: undefined },
    log: silentLog,
    world,
  };
  const desk = {
    grants: grantsOf([], { directory: "/nonexistent" }),
    sent: new Set<string>(),
    out,
    console: user.console,
  };
  await using run = new LabRun(context, {
    device: "dev1",
    runId: "run",
    opening: { kind: "start", command: "console", args: [] },
    graceMs: 0,
    stage: { console: user.console, desk, note },
  });
  return await run.run().then(
    () => undefined,
    (error: unknown) => error,
  );
}

const raw = (on: boolean): Step => ({ case: "rawMode", value: { on } });

test("the agent has the keys as long as it wants them, hears of the terminal and of the signals", async () => {
  await using agent = await JournalAgent.start([raw(true), print("go"), { others: 2 }, raw(false), ended()]);
  const user = memoryConsole();
  void user.heard.then(() => {
    user.resize({ rows: 50, columns: 132 });
    user.signal("SIGQUIT");
  });
  const error = await runOn(agent, user);
  assert.deepEqual(
    [error, user.said, agent.heard.others, agent.heard.starts],
    [
      undefined,
      [
        ["raw", true],
        ["print", "go"],
        ["raw", false],
      ],
      [
        ["resize", 50, 132],
        ["signal", "SIGQUIT"],
      ],
      [["dev1", "console", 0, { type: "xterm", rows: 24, columns: 80 }]],
    ],
  );
});

test("who leaves the console cancels the run, and waits until it has stopped", async () => {
  await using agent = await JournalAgent.start([raw(true), print("go"), { until: "end" }, ended()]);
  const user = memoryConsole();
  void user.heard.then(user.leave);
  const error = await runOn(agent, user);
  assert.deepEqual(
    [error instanceof DutError && error.message, agent.heard.others, user.said.at(-1)],
    [
      "left the console",
      [["cancel", "left the console"]],
      ["note", "left the console, waiting for the command to stop; Ctrl-C leaves at once"],
    ],
  );
});

test("progress of a module is shown", async () => {
  const step: Step = { case: "progress", value: { done: 5, total: 10, unit: "bytes", label: "flashing" } };
  await using agent = await JournalAgent.start([step, ended()]);
  const user = memoryConsole();
  await runOn(agent, user);
  assert.deepEqual(user.said, [["progress", "flashing", 5, 10]]);
});
