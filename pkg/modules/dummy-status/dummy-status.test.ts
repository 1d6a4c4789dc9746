import assert from "node:assert/strict";
import { test } from "node:test";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { dummyStatus } from "./dummy-status.ts";

test("the greeting, the count and each argument are messages of their own", async () => {
  const { call, transcript } = recordedCall(["a b", ""]);
  await runModule(dummyStatus, {}, call);
  assert.deepEqual(transcript, [
    { print: "Hello from dummy status module\n" },
    { print: "Called with 2 arguments\n" },
    { print: "Arg 0: a b\n" },
    { print: "Arg 1: \n" },
  ]);
});

test("an option that it does not have is refused", () => {
  assert.throws(() => dummyStatus.configure({ colour: "red" }), /Unrecognized key: \\?"colour/);
});
