import assert from "node:assert/strict";
import { test } from "node:test";
import type { Call } from "#pkg/modules/module.ts";
import { runBench } from "./test/run-bench.ts";
import { RunClient } from "./test/run-client.ts";

test("what a module prints comes with its offsets, then the end, then the call ends well", async () => {
  await using bench = await runBench(async ({ session, args }: Call) => {
    await session.print("hello ");
    await session.stdout(Buffer.from("out"));
    await session.stderr(Buffer.from(args.join()));
  });
  using client = RunClient.start(bench.connect(), { runId: "r1", args: ["a", "b"] });
  assert.deepEqual(await client.toEnd(), ["started r1", "0 print hello ", "6 stdout out", "9 stderr a,b", "12 end ok"]);
});
