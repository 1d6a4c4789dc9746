import assert from "node:assert/strict";
import { test } from "node:test";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { dummyFt } from "./dummy-ft.ts";

const greeting = (count: number) => [
  { print: "Hello from dummy file transfer module\n" },
  { print: `Called with ${count} arguments\n` },
];

for (const [what, content] of [
  ["a file", "content"],
  ["an empty file", ""],
] as const) {
  test(`${what} is taken and comes back with a line more`, async () => {
    const { call, transcript } = recordedCall(["in.txt", "out.txt"], { files: { "in.txt": Buffer.from(content) } });
    await runModule(dummyFt, {}, call);
    assert.deepEqual(transcript, [
      ...greeting(2),
      { print: 'Requesting file "in.txt" passed in arg[0] as input\n' },
      { requested: "in.txt" },
      { sent: "out.txt", content: `${content}\n\nprocessed by dummy.FT module\n` },
      { print: 'File operated successfully, delivered "out.txt" as passed in arg[1] as output\n' },
    ]);
  });
}

test("any other number of arguments is refused", async () => {
  for (const args of [[], ["in"], ["in", "out", "more"]]) {
    const { call, transcript } = recordedCall(args);
    await assert.rejects(runModule(dummyFt, {}, call), {
      code: "invalid_argument",
      message: `expected 2 arguments, got ${args.length}`,
    });
    assert.deepEqual(transcript, greeting(args.length));
  }
});

test("a file that the client does not have ends the run", async () => {
  const { call } = recordedCall(["in.txt", "out.txt"]);
  await assert.rejects(runModule(dummyFt, {}, call), {
    code: "not_found",
    message: "file request failed: the client has no file in.txt",
  });
});

test("a file that breaks off is told from one that cannot be sent", async () => {
  const { call } = recordedCall(["in.txt", "out.txt"]);
  async function* broken() {
    yield Buffer.from("half");
    throw new Error("line cut");
  }
  const requestFile = async () => Object.assign(broken(), { attributes: {} });
  await assert.rejects(runModule(dummyFt, {}, { ...call, session: { ...call.session, requestFile } }), {
    message: "failed to read file: line cut",
  });
  const whole = recordedCall(["in.txt", "out.txt"], { files: { "in.txt": Buffer.from("whole") } }).call;
  const sendFile = async () => {
    throw new Error("disk full");
  };
  await assert.rejects(runModule(dummyFt, {}, { ...whole, session: { ...whole.session, sendFile } }), {
    message: "failed to send file: disk full",
  });
});
