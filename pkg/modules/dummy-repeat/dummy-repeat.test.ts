import assert from "node:assert/strict";
import { test } from "node:test";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { dummyRepeat } from "./dummy-repeat.ts";

const greeting = {
  stdout: "Hello from dummy repeat module!\nEnter one word per line. (Two words will terminate)\n",
};
const farewell = { stderr: "Oh no! Can only handle one word per line.\n" };

test("each word comes back until a line has two", async () => {
  const { call, transcript } = recordedCall([], { stdin: ["one\n", "two\n", "three four\n", "five\n"] });
  await runModule(dummyRepeat, {}, call);
  assert.deepEqual(transcript, [greeting, { stdout: "one\n" }, { stdout: "two\n" }, farewell]);
});

test("lines may come in pieces of any size", async () => {
  const { call, transcript } = recordedCall([], { stdin: ["gr", "ü", "n\n\nro", "t\nend ", "here", "\n"] });
  await runModule(dummyRepeat, {}, call);
  assert.deepEqual(transcript, [greeting, { stdout: "grün\n" }, { stdout: "\n" }, { stdout: "rot\n" }, farewell]);
});

test("the end of the input is an error, after a last line without line feed", async () => {
  const { call, transcript } = recordedCall([], { stdin: ["last"] });
  await assert.rejects(runModule(dummyRepeat, {}, call), { name: "DutError", message: "EOF" });
  assert.deepEqual(transcript, [greeting, { stdout: "last\n" }]);
});

test("a line without end is refused before it fills the memory", async () => {
  function* endless() {
    for (;;) {
      yield "x".repeat(10_000);
    }
  }
  const { call } = recordedCall([], { stdin: endless() });
  await assert.rejects(runModule(dummyRepeat, {}, call), {
    code: "resource_exhausted",
    message: "a line of the input is longer than 65536 bytes",
  });
});
