import assert from "node:assert/strict";
import { test } from "node:test";
import { abortable } from "./abortable.ts";

test("work is waited for", async () => {
  const patiently = abortable(new AbortController().signal);
  assert.equal(await patiently(Promise.resolve("done")), "done");
  await assert.rejects(patiently(Promise.reject(new Error("failed"))), { message: "failed" });
});

test("an abort ends the wait, and every later one", async () => {
  const run = new AbortController();
  const patiently = abortable(run.signal);
  const waiting = patiently(new Promise(() => {}));
  run.abort(new Error("over"));
  await assert.rejects(waiting, { message: "over" });
  await assert.rejects(patiently(new Promise(() => {})), { message: "over" });
});
