import assert from "node:assert/strict";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Call } from "#pkg/modules/module.ts";
import { RemoteExit } from "#pkg/modules/remote-exit.ts";
import { runBench } from "./test/run-bench.ts";
import { RunClient } from "./test/run-client.ts";

const terminal = { rows: 24, columns: 80 };

/** Resolves when a run is told to end. */
async function aborted({ signal }: Call): Promise<void> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
}

test("what a module says comes with its offsets, then the end, then the call ends well", async () => {
  await using bench = await runBench(async ({ session, args }) => {
    await session.print("hello ");
    await session.stdout(Buffer.from("out"));
    await session.progress({ done: 1, total: 2, unit: "percent", label: "work" });
    await session.stderr(Buffer.from(args.join()));
  });
  using client = RunClient.start(bench.connect(), { runId: "r1", args: ["a", "b"] });
  assert.deepEqual(await client.toEnd(), [
    "started r1",
    "0 print hello ",
    "6 stdout out",
    "9 progress 1 of 2 percent work",
    "10 stderr a,b",
    "13 end ok",
  ]);
});

test("a failed module's message and hint are told apart, and the status of its program", async () => {
  await using bench = await runBench(async ({ args }) => {
    throw args[0] === "exit"
      ? new RemoteExit(7, "exited with code 7")
      : new DutError("unavailable", "no chip", { hint: "plug it in" });
  });
  using failed = RunClient.start(bench.connect(), { runId: "1" });
  assert.deepEqual(await failed.toEnd(), ["started 1", "0 end aborted module failed: no chip (plug it in)"]);
  using exited = RunClient.start(bench.connect(), { runId: "2", args: ["exit"] });
  assert.deepEqual(await exited.toEnd(), ["started 2", "0 end aborted module failed: exited with code 7 status 7"]);
});

test("input arrives once, whatever is sent again, and then its end", async () => {
  await using bench = await runBench(async ({ session }) => {
    for await (const piece of session.stdin) {
      await session.print(`<${Buffer.from(piece)}>`);
    }
    await session.print("over");
  });
  using client = RunClient.start(bench.connect(), { runId: "1" });
  client.send(
    { case: "input", value: { data: Buffer.from("abc"), offset: 0n } },
    { case: "input", value: { data: Buffer.from("bcd"), offset: 1n } },
    { case: "endOfInput", value: {} },
  );
  assert.deepEqual(await client.toEnd(), ["started 1", "0 print <abc>", "5 print <d>", "8 print over", "12 end ok"]);
});

test("input with a gap ends the run with what is missing", async () => {
  await using bench = await runBench(aborted);
  using client = RunClient.start(bench.connect(), { runId: "1" });
  client.send({ case: "input", value: { data: Buffer.from("x"), offset: 5n } });
  assert.deepEqual(await client.toEnd(), [
    "started 1",
    "0 end invalid_argument input at offset 5 came when only 0 bytes were there",
  ]);
});

test("a client hears how much of its input was read, in time to send more", async () => {
  await using bench = await runBench(async ({ session }) => {
    let size = 0;
    for await (const piece of session.stdin) {
      size += piece.length;
    }
    await session.print(String(size));
  });
  using client = RunClient.start(bench.connect(), { runId: "1" });
  client.send({ case: "input", value: { data: Buffer.alloc(60_000), offset: 0n } });
  assert.equal(await client.until("input taken"), "input taken 60000");
  client.send(
    { case: "input", value: { data: Buffer.alloc(60_000), offset: 60_000n } },
    { case: "endOfInput", value: {} },
  );
  assert.equal(await client.until("print"), "0 print 120000");
});

test("the terminal's keys are asked for, and its sizes and the user's signals reach the module", async () => {
  await using bench = await runBench(async (call) => {
    const { session } = call;
    const events: string[] = [];
    const enough = Promise.withResolvers<void>();
    const note = (event: string) => (events.push(event) === 2 ? enough.resolve() : undefined);
    using _resize = session.terminal?.onResize(({ rows, columns }) => note(`${rows}x${columns}`));
    using _signal = session.onSignal((name) => note(name));
    {
      await using _raw = await session.rawMode();
      await session.print(JSON.stringify([session.terminal?.type, session.terminal?.size]));
      await enough.promise;
    }
    await session.print(events.join());
  });
  using client = RunClient.start(bench.connect(), { runId: "1", terminal });
  client.send({ case: "resize", value: { rows: 50, columns: 100 } }, { case: "signal", value: { name: "SIGQUIT" } });
  const said = await client.toEnd();
  assert.deepEqual(said, [
    "started 1",
    "0 raw mode on",
    '1 print ["xterm",{"rows":24,"columns":80}]',
    "35 raw mode off",
    "36 print 50x100,SIGQUIT",
    "50 end ok",
  ]);
});

test("raw mode needs a terminal, and there are no signals but those there are", async () => {
  await using bench = await runBench(async (call) => {
    await call.session.rawMode().catch((error: DutError) => call.session.print(error.message));
    await aborted(call);
  });
  using client = RunClient.start(bench.connect(), { runId: "1" });
  assert.equal(await client.until("print"), "0 print the client has no terminal");
  client.send({ case: "signal", value: { name: "SIGNOPE" } });
  assert.deepEqual(await client.toEnd(), [
    '26 end invalid_argument there is no signal "SIGNOPE" (such as SIGINT or SIGQUIT)',
  ]);
});

test("a run ends early with the reason of who cancels it, by its stream or by a call", async () => {
  await using bench = await runBench(aborted);
  using own = RunClient.start(bench.connect(), { runId: "1" });
  own.send({ case: "cancel", value: { reason: "interrupted" } });
  assert.deepEqual(await own.toEnd(), ["started 1", "0 end canceled interrupted"]);
  using other = RunClient.start(bench.connect(), { runId: "2" });
  await other.until("started");
  await assert.rejects(bench.connect("bob@h").runs.cancel({ device: "board", runId: "2" }), {
    code: "permission_denied",
    message: 'run "2" belongs to "alice@h"',
  });
  await bench.connect().runs.cancel({ device: "board", runId: "2" });
  assert.deepEqual(await other.toEnd(), ["0 end canceled module execution aborted: context canceled"]);
});

test("nothing is run twice, and an id of a run that was refused can be used", async () => {
  let runs = 0;
  await using bench = await runBench(async (call) => {
    runs += 1;
    await aborted(call);
  });
  const connection = bench.connect();
  using first = RunClient.start(connection, { runId: "1" });
  await first.until("started");
  const refusals = await Promise.all(
    ["1", "2", "two words"].map((runId) => RunClient.start(connection, { runId }).toEnd()),
  );
  assert.deepEqual(refusals, [
    ['already_exists: run "1" was started before (attach to it, or choose another id)'],
    ['failed_precondition: device "board" is locked by "alice@h"'],
    ['invalid_argument: run id "two words" is not 1 to 64 characters of A-Z a-z 0-9 - _'],
  ]);
  first.send({ case: "cancel", value: {} });
  await first.toEnd();
  using second = RunClient.start(connection, { runId: "2" });
  await second.until("started");
  assert.equal(runs, 2);
});

test("a first message that does not begin a run is refused, and so is one for no device", async () => {
  await using bench = await runBench(async () => {});
  const connection = bench.connect();
  const refusal = async (method: "run" | "attach", device: string) => {
    const messages = connection.runs[method](
      (async function* () {
        yield { device, msg: { case: "endOfInput" as const, value: {} } };
      })(),
    );
    return await Array.fromAsync(messages).catch((error: DutError) => `${error.code}: ${error.message}`);
  };
  assert.deepEqual(await Promise.all([refusal("run", "board"), refusal("attach", "board"), refusal("run", "")]), [
    "invalid_argument: the first message of Run must be a start",
    "invalid_argument: the first message of Attach must be a resume",
    "invalid_argument: the first message of Run names no device",
  ]);
});

test("runs are listed, the newest first, with how they ended", async () => {
  await using bench = await runBench(async (call) => (call.args[0] === "wait" ? aborted(call) : undefined));
  const connection = bench.connect();
  using done = RunClient.start(connection, { runId: "done" });
  await done.toEnd();
  using waiting = RunClient.start(connection, { runId: "waiting", args: ["wait"] });
  await waiting.until("started");
  const { runs } = await connection.runs.listRuns({});
  assert.deepEqual(
    runs.map(({ runId, device, command, args, owner, attached, end }) => [
      [runId, device, command, args.join(), owner, attached].join(" "),
      end?.code,
    ]),
    [
      ["waiting board go wait alice@h true", undefined],
      ["done board go  alice@h false", "ok"],
    ],
  );
  assert.deepEqual((await connection.runs.listRuns({ device: "other" })).runs, []);
});

test("an agent that shuts down ends its runs with the reason", async () => {
  await using bench = await runBench(async (call) => {
    await call.session.print("working");
    await aborted(call);
  });
  using client = RunClient.start(bench.connect(), { runId: "1" });
  await client.until("working");
  await bench.engine.stop(new DutError("aborted", "dutagent is shutting down"));
  assert.deepEqual(await client.toEnd(), ["7 end aborted dutagent is shutting down"]);
  using late = RunClient.start(bench.connect(), { runId: "2" });
  assert.deepEqual(await late.toEnd(), ["unavailable: dutagent is shutting down"]);
});

test("a run whose client takes nothing ends, and the client hears why when it listens again", async () => {
  const flood = Buffer.alloc(64 * 1024, "x");
  await using bench = await runBench(
    async ({ session, signal }) => {
      while (!signal.aborted) {
        await session.stdout(flood);
      }
    },
    { stallMs: 40 },
  );
  using client = RunClient.start(bench.connect(), { runId: "1" });
  await client.until("started");
  const [run] = bench.engine.list();
  await run?.stopped;
  assert.equal(bench.locks.holdOf("board"), undefined);
  const said = await client.toEnd();
  assert.equal(said.at(-1), "resource_exhausted: the client has taken no output for 40ms");
});

test("a client that sends its start and closes gets everything, and its input has ended", async () => {
  const piece = Buffer.alloc(64 * 1024, "x");
  await using bench = await runBench(async ({ session }) => {
    await Array.fromAsync(session.stdin);
    for (let count = 0; count < 64; count++) {
      await session.stdout(piece);
    }
  });
  using client = RunClient.start(bench.connect(), { runId: "1" });
  client.close();
  const said = await client.toEnd();
  assert.deepEqual([said.length, said.at(-1)], [66, `${64 * piece.length} end ok`]);
  assert.equal(bench.engine.list()[0]?.heard, true);
});
