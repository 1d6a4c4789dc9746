import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { parseConfig } from "#pkg/config/parse-config.ts";
import { DutError, explain } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import { Locks } from "#pkg/lock/locks.ts";
import { silentLog } from "#pkg/log/log.ts";
import { noMetrics } from "#pkg/metrics/metrics.ts";
import { type Call, defineModule } from "#pkg/modules/module.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import type { Attachment } from "./attachment.ts";
import { openBench } from "./bench.ts";
import { type EngineOptions, RunEngine, type RunRequest } from "./run-engine.ts";
import type { RunEvent } from "./run-event.ts";

/** An agent of one device whose command "go" runs the given modules in order. */
async function engineOf(...modules: readonly ((call: Call) => Promise<void>)[]) {
  return engineWith({}, ...modules);
}

async function engineWith(options: EngineOptions, ...modules: readonly ((call: Call) => Promise<void>)[]) {
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
  const config = parseConfig(
    "test.yaml",
    `devices: { board: &board { cmds: { go: { uses: [${uses}] } } }, other: *board }`,
    kinds,
  );
  const bench = await openBench(config, { host: {} as Host, log: silentLog, signal: new AbortController().signal });
  const locks = await Locks.open({ store: memoryStore() });
  return { engine: new RunEngine(bench, locks, silentLog, options), locks };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
}

const go: RunRequest = { device: "board", command: "go", args: [], owner: "alice@h" };

/** Everything that a run says, and how it ends. The client takes what it hears. */
async function heard(client: Attachment): Promise<string[]> {
  const lines: string[] = [];
  for (let said = await client.next(); said !== undefined; said = await client.next()) {
    if (said.kind === "entry") {
      const { event, offset, length } = said.entry;
      lines.push(inWords(event));
      client.take(offset + length);
    }
  }
  return lines;
}

function inWords(event: RunEvent): string {
  switch (event.kind) {
    case "print":
    case "stdout":
    case "stderr":
      return `${event.kind} ${Buffer.from(event.bytes)}`;
    case "file-request":
      return `file-request ${event.name}`;
    case "end": {
      const { error } = event.outcome;
      return error === undefined ? "end" : `${error.code}: ${explain(error)}`;
    }
    default:
      return event.kind;
  }
}

/** The next event, in words. */
async function nextOf(client: Attachment): Promise<string> {
  const said = await client.next();
  return said?.kind === "entry" ? inWords(said.entry.event) : String(said?.kind);
}

test("modules run one after another on one conversation, and the device is free afterwards", async () => {
  const { engine, locks } = await engineOf(
    ({ session }) => session.print("one\n"),
    ({ session }) => session.stderr(Buffer.from("two\n")),
  );
  const client = engine.start(go);
  assert.equal(locks.holdOf("board")?.owner, "alice@h");
  assert.deepEqual(await heard(client), ["print one\n", "stderr two\n", "end"]);
  await client.run.stopped;
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
  assert.deepEqual(await heard(engine.start(go)), [
    "print partial",
    "aborted: module failed: the chip is gone (plug it in)",
  ]);
});

test("whatever a module throws ends its own run and nothing else", async () => {
  const { engine } = await engineOf(() => Promise.reject("a bare string"));
  for (const _ of [1, 2]) {
    const client = engine.start(go);
    assert.deepEqual(await heard(client), ["aborted: module failed: a bare string"]);
    await client.run.stopped;
  }
});

test("a device runs one command at a time, also for the same user, until the module has really stopped", async () => {
  const finish = Promise.withResolvers<void>();
  const { engine } = await engineOf(() => finish.promise);
  const client = engine.start(go);
  const refused = { code: "failed_precondition", message: 'device "board" is locked by "alice@h"' };
  assert.throws(() => engine.start(go), refused);
  client.lose(new DutError("canceled", "gone"));
  assert.throws(() => engine.start({ ...go, owner: "bob" }), refused);
  finish.resolve();
  await client.run.stopped;
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
  const client = engine.start(go);
  await new Promise(setImmediate);
  assert.equal(taken, 1024 * 1024);
  client.lose(new DutError("canceled", "gone"));
  await client.run.stopped;
});

test("a stopped run says why it was stopped, not what its module made of it", async () => {
  const { engine } = await engineOf(async ({ signal, session }) => {
    await session.print("working");
    await aborted(signal);
    throw new Error("torn down");
  });
  const said = heard(engine.start(go));
  await engine.stop(new DutError("aborted", "dutagent is shutting down"));
  assert.deepEqual(await said, ["print working", "aborted: dutagent is shutting down"]);
  assert.throws(() => engine.start(go), { code: "unavailable", message: "dutagent is shutting down" });
});

test("a file that was asked for arrives; any other file is refused", async () => {
  const { engine } = await engineOf(async ({ session }) => {
    const content = Buffer.concat(await Array.fromAsync(await session.requestFile("in.txt")));
    await session.print(`got ${content}`);
  });
  const client = engine.start(go);
  const { conversation } = client.run;
  assert.equal(await nextOf(client), "file-request in.txt");
  assert.throws(() => conversation.file("other", Buffer.from("x")), {
    message: 'bad file transfer: received file-message "other" but requested "in.txt"',
  });
  conversation.file("in.txt", Buffer.alloc(0));
  assert.equal(await nextOf(client), "print got ");
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
  const client = engine.start(go);
  const { conversation } = client.run;
  await nextOf(client);
  for (let piece = 0; piece < 64; piece++) {
    await conversation.typed(Buffer.alloc(64 * 1024));
  }
  conversation.file("in.txt", Buffer.from("image"));
  assert.equal(await nextOf(client), "print uploaded");
});

test("a client that ends its input without the file fails the run with that reason", async () => {
  const { engine } = await engineOf(async ({ session }) => {
    await session.requestFile("in.txt");
  });
  const client = engine.start(go);
  const { conversation } = client.run;
  const said = heard(client);
  await new Promise(setImmediate);
  conversation.endOfFiles();
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
  const client = engine.start(go);
  const { conversation } = client.run;
  for (const piece of ["a", "b", "c"]) {
    await conversation.typed(Buffer.from(piece));
  }
  conversation.endOfInput();
  assert.deepEqual(await heard(client), ["print first a\n", "print rest bc\n", "end"]);
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

test("what runs on a device is cancelled with a reason, and has stopped when that is answered", async () => {
  const { engine, locks } = await engineOf(({ signal }) => aborted(signal));
  const client = engine.start(go);
  const said = heard(client);
  engine.noticeRunsOn("board", "somebody is coming");
  await engine.cancelRunsOn("board", new DutError("canceled", 'cancelled by "bob@h"'));
  assert.equal(locks.holdOf("board"), undefined);
  assert.deepEqual(await said, ["notice", 'canceled: cancelled by "bob@h"']);
});

test("a module that returns although it was told to stop has not succeeded", async () => {
  const { engine } = await engineOf(({ signal }) => aborted(signal));
  const client = engine.start(go);
  client.run.stop(new DutError("canceled", "enough"));
  assert.deepEqual(await heard(client), ["canceled: enough"]);
});

test("a run holds the hardware that its modules use under its id and command", async () => {
  const kind = defineModule({
    name: "flasher",
    summary: "",
    config: z.strictObject({}),
    help: () => "",
    resources: () => [
      { kind: "programmer", name: "/dev/null" },
      { kind: "programmer", name: "/dev/../dev/null" },
    ],
    open: async () => ({ run: ({ signal }) => aborted(signal), [Symbol.asyncDispose]: async () => {} }),
  });
  const cmds = "{ cmds: { go: { uses: [{ module: flasher }] } } }";
  const config = parseConfig("test.yaml", `devices: { board: ${cmds}, other: ${cmds} }`, [kind]);
  const bench = await openBench(config, { host: {} as Host, log: silentLog, signal: new AbortController().signal });
  const locks = await Locks.open({ store: memoryStore() });
  const engine = new RunEngine(bench, locks, silentLog);
  engine.start({ ...go, id: "1" });
  const { since: _, ...hold } = locks.holdOf("board") ?? {};
  assert.deepEqual(hold, {
    device: "board",
    owner: "alice@h",
    resources: ["programmer /dev/null"],
    runId: "1",
    command: "go",
  });
  assert.throws(() => engine.start({ ...go, device: "other", id: "2" }), {
    code: "failed_precondition",
    message: /^device "other" is locked by "alice@h"/,
  });
  await engine.stop(new DutError("aborted", "over"));
});

test("a grace that nobody would wait for is refused", async () => {
  const { engine } = await engineOf(async () => {});
  for (const graceMs of [-1, 25 * 3_600_000, Number.NaN]) {
    assert.throws(() => engine.start({ ...go, graceMs }), { code: "invalid_argument" });
  }
});

test("a user has no more runs at once than a user may have, and somebody else has his own", async () => {
  const finish = Promise.withResolvers<void>();
  const { engine } = await engineWith({ runsPerUser: 1 }, () => finish.promise);
  const first = engine.start(go);
  assert.throws(() => engine.start({ ...go, device: "other" }), {
    code: "resource_exhausted",
    message: '"alice@h" has 1 runs here, which is all that a user may have',
  });
  engine.start({ ...go, device: "other", owner: "bob@h" });
  finish.resolve();
  await first.run.stopped;
  await heard(engine.start(go));
});

for (const [what, request, code, message] of [
  [
    "a name that is too long",
    { device: "b".repeat(65) },
    "invalid_argument",
    /^the name of a device must not be longer than 64 characters: "b{32}"…$/,
  ],
  [
    "a name with a line end",
    { command: "go\n" },
    "invalid_argument",
    /^the name of a command must not contain control characters: "go\\n"$/,
  ],
  [
    "too many arguments",
    { args: Array(257).fill("x") },
    "resource_exhausted",
    /^command "go" was given 257 arguments, at most 256 are taken$/,
  ],
  [
    "an argument that is too long",
    { args: ["x", "ä".repeat(2049)] },
    "resource_exhausted",
    /^argument 2 of command "go" has 4098 bytes, at most 4096 are taken$/,
  ],
] as const) {
  test(`a run with ${what} is refused with a sentence, and counted`, async () => {
    const hits: string[] = [];
    const metrics = { ...noMetrics, limitHit: (limit: string) => void hits.push(limit) };
    const { engine } = await engineWith({ metrics }, async () => {});
    assert.throws(() => engine.start({ ...go, ...request }), { code, message });
    assert.deepEqual([hits, engine.list()], [["run_arguments"], []]);
  });
}
