import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { Call } from "#pkg/modules/module.ts";
import { runBench } from "./test/run-bench.ts";
import { RunClient } from "./test/run-client.ts";

/** Resolves when a run is told to end. */
async function aborted({ signal }: Call): Promise<void> {
  if (!signal.aborted) {
    await once(signal, "abort");
  }
}

test("the deadline of a call ends its run, whatever its grace", async () => {
  await using bench = await runBench(aborted);
  const start = { runId: "1", command: "go", graceMs: 60_000n };
  const never = async function* () {
    yield { device: "board", msg: { case: "start" as const, value: start } };
    await new Promise(() => {});
  };
  // The deadline is the agent's alone, so that the client does not end the call first.
  const deadline = { headers: { "grpc-timeout": "300m" } };
  await assert.rejects(Array.fromAsync(bench.connect().runs.run(never(), deadline)), { code: "deadline_exceeded" });
  const [run] = bench.engine.list();
  await run?.stopped;
  assert.equal(run?.outcome?.error?.message, "module execution aborted: context deadline exceeded");
});

test("a client that says what nobody understands may go on speaking, and hears the end of its run", async () => {
  await using bench = await runBench(async (call) => {
    await aborted(call);
    await call.session.print("stopping");
  });
  using client = RunClient.start(bench.connect(), { runId: "1" });
  client.send(
    { case: "signal", value: { name: "SIGFOO" } },
    { case: "signal", value: { name: "SIGINT" } },
    { case: "input", value: { data: Buffer.from("x"), offset: 0n } },
  );
  assert.deepEqual(await client.toEnd(), [
    "started 1",
    "0 print stopping",
    '8 end invalid_argument there is no signal "SIGFOO" (such as SIGINT or SIGQUIT)',
  ]);
  assert.equal(bench.engine.list()[0]?.heard, true);
});

test("arguments are listed in short, and of runs with many not all are kept", async () => {
  await using bench = await runBench(async () => {});
  const args = ["short", "x".repeat(900_000)];
  const argumentLimits = { count: 2, bytes: 900_000 };
  for (let count = 1; count <= 80; count++) {
    const { run } = bench.engine.start({ device: "board", command: "go", args, owner: "alice@h", argumentLimits });
    await run.stopped;
  }
  const { runs } = await bench.connect().runs.listRuns({});
  assert.deepEqual([runs.length, runs[0]?.args], [74, ["short", `${"x".repeat(394)}…`]]);
});
