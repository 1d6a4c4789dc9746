import assert from "node:assert/strict";
import { test } from "node:test";
import { ZodError } from "zod";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { timeWait } from "./time-wait.ts";

async function waited(options: unknown, args: string[]) {
  const { call, transcript } = recordedCall(args);
  const start = performance.now();
  await runModule(timeWait, options, call);
  return { transcript, elapsed: performance.now() - start };
}

test("it says how long it waits, and waits so long", async () => {
  const { transcript, elapsed } = await waited({ duration: "10ms" }, []);
  assert.deepEqual(transcript, [{ print: "Waiting for 10ms\n" }]);
  assert.ok(elapsed >= 10, `${elapsed} ms`);
});

test("an argument overrides the option, and no time at all is a time", async () => {
  assert.deepEqual((await waited({ duration: "1000h" }, ["0s"])).transcript, [{ print: "Waiting for 0s\n" }]);
  assert.deepEqual((await waited({}, ["-1.5s"])).transcript, [{ print: "Waiting for -1.5s\n" }]);
});

test("cancel ends a wait that is longer than any timer", async () => {
  const reason = new Error("client gone");
  const ending = new AbortController();
  const { call, transcript } = recordedCall(["10000h"], { signal: ending.signal });
  const wait = runModule(timeWait, {}, call);
  setImmediate(() => ending.abort(reason));
  await assert.rejects(wait, reason);
  assert.deepEqual(transcript, [{ print: "Waiting for 10000h0m0s\n" }]);
});

test("what is no duration is refused, in the configuration and as an argument", async () => {
  assert.throws(
    () => timeWait.configure({ duration: "500" }),
    (error) =>
      error instanceof ZodError &&
      error.issues[0]?.message ===
        'time: missing unit in duration "500" (write a number and a unit, such as 300ms, 1.5h or 1h30m)' &&
      error.issues[0].path[0] === "duration",
  );
  await assert.rejects(waited({}, ["soon"]), { code: "invalid_argument", message: 'time: invalid duration "soon"' });
});

test("the help names the configured duration", () => {
  assert.deepEqual(
    [timeWait.configure({}).help, timeWait.configure({ duration: "90s" }).help],
    [
      "[duration]    waits, 1s unless a duration such as 500ms, 10s or 1m30s is given",
      "[duration]    waits, 1m30s unless a duration such as 500ms, 10s or 1m30s is given",
    ],
  );
});
