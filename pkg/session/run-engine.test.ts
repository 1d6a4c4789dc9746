import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { parseConfig } from "#pkg/config/parse-config.ts";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import { Locks } from "#pkg/lock/locks.ts";
import { silentLog } from "#pkg/log/log.ts";
import { type Call, defineModule } from "#pkg/modules/module.ts";
import { openBench } from "./bench.ts";
import type { Conversation } from "./conversation.ts";
import { RunEngine, type RunRequest } from "./run-engine.ts";

/** An agent of one device whose command "go" runs the given modules in order. */
async function engineOf(...modules: readonly ((call: Call) => Promise<void>)[]) {
  const kinds = modules.map((run, index) =>
    defineModule({
      name: `module-${index}`,
      summary: "",
      config: z.strictObject({}),
      help: () => "",
      open: async () => ({ run, [Symbol.asyncDispose]: async () => {} }),
    }),
  );
  const uses = kinds.map(({ name }) => `{ module: ${name} }`).join(", ");
  const config = parseConfig("test.yaml", `devices: { board: { cmds: { go: { uses: [${uses}] } } } }`, kinds);
  const bench = await openBench(config, { host: {} as Host, log: silentLog, signal: new AbortController().signal });
  const locks = new Locks(() => 0);
  return { engine: new RunEngine(bench, locks, silentLog), locks };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
}

const go: RunRequest = { device: "board", command: "go", args: [], owner: "alice@h" };

/** Everything that a run said, and how it ended. */
async function heard({ events }: Conversation): Promise<string[]> {
  const lines: string[] = [];
  try {
    for await (const event of events) {
      lines.push("bytes" in event ? `${event.kind} ${Buffer.from(event.bytes)}` : `${event.kind} ${event.name}`);
    }
    lines.push("end");
  } catch (error) {
    lines.push(error instanceof DutError ? `${error.code}: ${error.message}` : String(error));
  }
  return lines;
}

test("modules run one after another on one conversation, and the device is free afterwards", async () => {
  const { engine, locks } = await engineOf(
    ({ session }) => session.print("one\n"),
    ({ session }) => session.stderr(Buffer.from("two\n")),
  );
  const run = engine.start(go);
  assert.equal(locks.holdOf("board")?.owner, "alice@h");
  assert.deepEqual(await heard(run.conversation), ["print one\n", "stderr two\n", "end"]);
  await run.stopped;
  assert.equal(locks.holdOf("board"), undefined);
});

test("the error of a module comes after everything it printed, and later modules do not run", async () => {
  const { engine } = await engineOf(
    async ({ session }) => {
      await session.print("partial");
      throw new DutError("unavailable", "the chip is gone", { hint: "plug it in" });
    },
    ({ session }) => session.print("never"),
  );
  assert.deepEqual(await heard(engine.start(go).conversation), [
    "print partial",
    "aborted: module failed: the chip is gone (plug it in)",
  ]);
});

test("whatever a module throws ends its own run and nothing else", async () => {
  const { engine } = await engineOf(() => Promise.reject("a bare string"));
  for (const _ of [1, 2]) {
    const run = engine.start(go);
    assert.deepEqual(await heard(run.conversation), ["aborted: module failed: a bare string"]);
    await run.stopped;
  }
});

test("a device runs one command at a time, also for the same user, until the module has really stopped", async () => {
  const finish = Promise.withResolvers<void>();
  const { engine } = await engineOf(() => finish.promise);
  const run = engine.start(go);
  const refused = { code: "failed_precondition", message: 'device "board" is locked by "alice@h"' };
  assert.throws(() => engine.start(go), refused);
  run.stop(new DutError("canceled", "enough"));
  run.conversation.abandon(new DutError("canceled", "gone"));
  assert.throws(() => engine.start({ ...go, owner: "bob" }), refused);
  finish.resolve();
  await run.stopped;
  engine.start({ ...go, owner: "bob" });
});

test("a client that does not read stops the module after a bounded amount", async () => {
  const flood = Buffer.alloc(64 * 1024);
  let taken = 0;
  const { engine } = await engineOf(async ({ session, signal }) => {
    while (!signal.aborted) {
      await session.stdout(flood);
      taken += flood.length;
    }
  });
  const run = engine.start(go);
  await new Promise(setImmediate);
  assert.ok(taken <= 512 * 1024, `${taken} bytes were taken ahead`);
  run.stop(new DutError("canceled", "enough"));
  run.conversation.abandon(new DutError("canceled", "gone"));
  await run.stopped;
});

test("a stopped run says why it was stopped, not what its module made of it", async () => {
  const { engine } = await engineOf(async ({ signal, session }) => {
    await session.print("working");
    await aborted(signal);
    throw new Error("torn down");
  });
  const run = engine.start(go);
  const said = heard(run.conversation);
  await engine.stop(new DutError("aborted", "dutagent is shutting down"));
  assert.deepEqual(await said, ["print working", "aborted: dutagent is shutting down"]);
  assert.throws(() => engine.start(go), { code: "unavailable", message: "dutagent is shutting down" });
});

test("a file that was asked for arrives; any other file is refused", async () => {
  const { engine } = await engineOf(async ({ session }) => {
    const content = Buffer.concat(await Array.fromAsync(await session.requestFile("in.txt")));
    await session.print(`got ${content}`);
  });
  const { conversation } = engine.start(go);
  const events = conversation.events[Symbol.asyncIterator]();
  assert.deepEqual((await events.next()).value, { kind: "file-request", name: "in.txt" });
  assert.throws(() => conversation.file("other", Buffer.from("x")), {
    message: 'bad file transfer: received file-message "other" but requested "in.txt"',
  });
  conversation.file("in.txt", Buffer.alloc(0));
  assert.deepEqual((await events.next()).value, { kind: "print", bytes: Buffer.from("got ") });
  assert.throws(() => conversation.file("in.txt", Buffer.from("x")), {
    code: "invalid_argument",
    message: "bad file transfer: received file-message without a former request",
  });
});

test("a file arrives although the client typed more than anybody reads", async () => {
  const { engine } = await engineOf(async ({ session }) => {
    await Array.fromAsync(await session.requestFile("in.txt"));
    await session.print("uploaded");
  });
  const { conversation } = engine.start(go);
  const events = conversation.events[Symbol.asyncIterator]();
  await events.next();
  for (let piece = 0; piece < 64; piece++) {
    await conversation.input(Buffer.alloc(64 * 1024));
  }
  conversation.file("in.txt", Buffer.from("image"));
  assert.deepEqual((await events.next()).value, { kind: "print", bytes: Buffer.from("uploaded") });
});

test("a client that ends its input without the file fails the run with that reason", async () => {
  const { engine } = await engineOf(async ({ session }) => {
    await session.requestFile("in.txt");
  });
  const { conversation } = engine.start(go);
  const said = heard(conversation);
  await new Promise(setImmediate);
  conversation.endOfInput();
  assert.deepEqual(await said, [
    "file-request in.txt",
    'aborted: module failed: the client ended its input without sending "in.txt"',
  ]);
});

test("console input reaches the modules one after another and ends at the end of input", async () => {
  const { engine } = await engineOf(
    async ({ session }) => {
      for await (const piece of session.stdin) {
        await session.print(`first ${Buffer.from(piece)}\n`);
        break;
      }
    },
    async ({ session }) => {
      const rest = Buffer.concat(await Array.fromAsync(session.stdin));
      await session.print(`rest ${rest}\n`);
    },
  );
  const { conversation } = engine.start(go);
  for (const piece of ["a", "b", "c"]) {
    await conversation.input(Buffer.from(piece));
  }
  conversation.endOfInput();
  assert.deepEqual(await heard(conversation), ["print first a\n", "print rest bc\n", "end"]);
});

test("what is not there is named", async () => {
  const { engine } = await engineOf(async () => {});
  assert.throws(() => engine.start({ ...go, device: "bord" }), {
    code: "not_found",
    message: 'device "bord", command "go": no such device',
  });
  assert.throws(() => engine.start({ ...go, command: "g" }), {
    code: "not_found",
    message: 'device "board", command "g": no such command',
  });
  assert.throws(() => engine.start({ ...go, args: ["x"] }), { code: "invalid_argument" });
});
