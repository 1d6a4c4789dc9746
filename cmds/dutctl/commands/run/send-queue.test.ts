import assert from "node:assert/strict";
import { test } from "node:test";
import { SendQueue } from "./send-queue.ts";

test("messages leave in the order they were sent in, whoever waits", async () => {
  const sendQueue = new SendQueue<string>(new AbortController().signal);
  const messages = sendQueue[Symbol.asyncIterator]();
  const early = messages.next();
  const taken = ["a", "b", "c"].map((message) => sendQueue.send(message));
  const left = [await early, await messages.next(), await messages.next()].map(({ value }) => value);
  await Promise.all(taken);
  assert.deepEqual(left, ["a", "b", "c"]);
});

test("the end of the run ends it with the reason, and not before", async () => {
  const run = new AbortController();
  const sendQueue = new SendQueue<string>(run.signal);
  const waiting = sendQueue[Symbol.asyncIterator]().next();
  run.abort(new Error("over"));
  await assert.rejects(waiting, { message: "over" });
});
