import assert from "node:assert/strict";
import { test } from "node:test";
import type { Call } from "#pkg/modules/module.ts";
import { runBench } from "./test/run-bench.ts";
import { RunClient } from "./test/run-client.ts";

async function aborted({ signal }: Call): Promise<void> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
}

/** A module that goes on when the test says so. */
function steps() {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  return { first: gates[0], second: gates[1] };
}

test("a client that comes back hears what it missed, and not a byte is lost or doubled", async () => {
  const gate = steps();
  const gone = Promise.withResolvers<void>();
  await using bench = await runBench(async ({ session }) => {
    await session.print("0123456789");
    await gone.promise;
    await session.print("while away");
    gate.second.resolve();
    await gate.first.promise;
    await session.print(" and after");
  });
  const connection = bench.connect();
  using client = RunClient.start(connection, { runId: "1", graceMs: 60_000 });
  await client.until("0123456789");
  connection[Symbol.dispose]();
  const [run] = bench.engine.list();
  await run?.client?.over;
  gone.resolve();
  await gate.second.promise;
  using again = RunClient.attach(bench.connect(), "1", 4);
  assert.equal(await again.until("print"), "4 print 456789while away");
  gate.first.resolve();
  assert.deepEqual(await again.toEnd(), ["20 print  and after", "30 end ok"]);
});

test("a run without a grace is cancelled when its client is lost, and the device is free when it has stopped", async () => {
  await using bench = await runBench(aborted);
  const connection = bench.connect();
  using client = RunClient.start(connection, { runId: "1" });
  await client.until("started");
  connection[Symbol.dispose]();
  const [run] = bench.engine.list();
  await run?.stopped;
  assert.equal(bench.locks.holdOf("board"), undefined);
  using late = RunClient.attach(bench.connect(), "1", 0);
  assert.deepEqual(await late.toEnd(), ["started 1", "0 end canceled module execution aborted: context canceled"]);
});

test("a run is cancelled when its grace is over, and says so to a client that comes too late", async () => {
  await using bench = await runBench(aborted);
  const connection = bench.connect();
  using client = RunClient.start(connection, { runId: "1", graceMs: 30 });
  await client.until("started");
  connection[Symbol.dispose]();
  await bench.engine.list()[0]?.stopped;
  using late = RunClient.attach(bench.connect(), "1", 0);
  assert.deepEqual(await late.toEnd(), ["started 1", "0 end canceled the client was gone for 30ms, its grace is over"]);
});

test("a client that attaches takes over, the one before is told so, and the run goes on", async () => {
  const gate = steps();
  await using bench = await runBench(async ({ session }) => {
    await session.print("one");
    await gate.first.promise;
    await session.print("two");
  });
  using first = RunClient.start(bench.connect(), { runId: "1" });
  await first.until("one");
  using second = RunClient.attach(bench.connect(), "1", 0);
  assert.equal(await second.until("print"), "0 print one");
  assert.deepEqual(await first.toEnd(), ['aborted: another client has taken over run "1"']);
  gate.first.resolve();
  assert.deepEqual(await second.toEnd(), ["3 print two", "6 end ok"]);
});

test("a run is attached to by its owner only, where it is, from an offset that is there", async () => {
  await using bench = await runBench(aborted);
  using client = RunClient.start(bench.connect(), { runId: "1" });
  await client.until("started");
  const refusals = await Promise.all([
    RunClient.attach(bench.connect("bob@h"), "1", 0).toEnd(),
    RunClient.attach(bench.connect(), "2", 0).toEnd(),
    RunClient.attach(bench.connect(), "1", 1).toEnd(),
  ]);
  assert.deepEqual(refusals, [
    ['permission_denied: run "1" belongs to "alice@h"'],
    ['not_found: device "board" has no run "2"'],
    ["invalid_argument: offset 1 is beyond the end of the output, which is 0"],
  ]);
  client.send({ case: "cancel", value: { reason: "enough" } });
  assert.deepEqual(await client.toEnd(), ["0 end canceled enough"]);
});

test("a run that ended while nobody was there is kept with what it said", async () => {
  await using bench = await runBench(({ session }) => session.print("done"));
  const connection = bench.connect();
  using lost = RunClient.start(connection, { runId: "lost" });
  await lost.until("end ok");
  connection[Symbol.dispose]();
  await bench.engine.list()[0]?.stopped;
  using again = RunClient.attach(bench.connect(), "lost", 0);
  assert.deepEqual(await again.toEnd(), ["started lost", "0 print done", "4 end ok"]);
});

test("of runs that were heard to the end, little is kept", async () => {
  const piece = Buffer.alloc(256 * 1024);
  await using bench = await runBench(async ({ session }) => {
    for (let count = 0; count < 4; count++) {
      await session.stdout(piece);
    }
  });
  const connection = bench.connect();
  for (let count = 1; count <= 10; count++) {
    using client = RunClient.start(connection, { runId: `run-${count}` });
    await client.toEnd();
  }
  using first = RunClient.attach(connection, "run-1", 0);
  using last = RunClient.attach(connection, "run-10", 0);
  assert.deepEqual(
    [await first.toEnd(), (await last.toEnd()).length],
    [['not_found: run "run-1" has ended, and its client has heard all of it'], 6],
  );
});

test("printed output stays for a client that attaches from an earlier offset; of more than 1 MiB the oldest is gone", async () => {
  const gate = steps();
  const piece = Buffer.alloc(64 * 1024, "x");
  await using bench = await runBench(async ({ session }) => {
    for (let count = 0; count < 20; count++) {
      await session.stdout(piece);
    }
    gate.first.resolve();
    await gate.second.promise;
  });
  using client = RunClient.start(bench.connect(), { runId: "1", graceMs: 60_000 });
  for (let heard = 0; heard < 20 * piece.length; ) {
    const response = await client.next();
    if (response?.msg.case === "stdout") {
      heard += response.msg.value.length;
      client.send({ case: "taken", value: { offset: BigInt(heard) } });
    }
  }
  await gate.first.promise;
  using again = RunClient.attach(bench.connect(), "1", 0);
  assert.match(await again.until("stdout"), /^262144 stdout x/);
  gate.second.resolve();
});

test("while nobody is there a run goes on at its own speed, and the newest 1 MiB of output is kept", async () => {
  const gone = Promise.withResolvers<void>();
  const piece = Buffer.alloc(64 * 1024, "x");
  await using bench = await runBench(async ({ session }) => {
    await session.print("first");
    await gone.promise;
    for (let count = 0; count < 64; count++) {
      await session.stdout(piece);
    }
  });
  const connection = bench.connect();
  using client = RunClient.start(connection, { runId: "1", graceMs: 60_000 });
  await client.until("first");
  connection[Symbol.dispose]();
  const [run] = bench.engine.list();
  await run?.client?.over;
  gone.resolve();
  await run?.stopped;
  using again = RunClient.attach(bench.connect(), "1", 5);
  const kept = (await again.toEnd()).map((line) => line.slice(0, 20).trimEnd());
  assert.deepEqual(
    [kept.length, kept[1], kept.at(-1)],
    [18, `${5 + 48 * piece.length} stdout xxxxx`, `${5 + 64 * piece.length} end ok`],
  );
});

test("raw mode that is on is told to a client that attaches", async () => {
  await using bench = await runBench(async (call) => {
    await using _ = await call.session.rawMode();
    await aborted(call);
  });
  using client = RunClient.start(bench.connect(), { runId: "1", terminal: { rows: 24, columns: 80 } });
  assert.equal(await client.until("raw mode"), "0 raw mode on");
  using again = RunClient.attach(bench.connect(), "1", 1);
  assert.equal(await again.until("raw mode"), "1 raw mode on");
});
