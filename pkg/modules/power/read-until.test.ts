import assert from "node:assert/strict";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { confirmPower, watchCycle } from "./confirm-power.ts";
import { readUntil } from "./read-until.ts";

const never = new AbortController().signal;

/** Gives one after the other, the last for ever; errors are thrown. */
function reading<T>(...states: readonly (T | Error)[]) {
  let next = 0;
  return {
    read: async () => {
      const state = states[Math.min(next++, states.length - 1)] as T | Error;
      if (state instanceof Error) {
        throw state;
      }
      return state;
    },
    get reads() {
      return next;
    },
  };
}

const fast = { withinMs: 60_000, everyMs: 1, signal: never };

const away = new DutError("unavailable", "it does not answer");

test("a controller that does not answer while it is busy is asked again", async () => {
  const { read } = reading<string>("off", away, new DutError("deadline_exceeded", "slow"), "on");
  assert.equal(await readUntil({ ...fast, read }, (state) => state === "on"), "on");
});

test("an error that will not pass is thrown at once, and one that may when the time is over", async () => {
  const refused = new DutError("unauthenticated", "wrong password");
  const once = reading<string>("off", refused, "on");
  await assert.rejects(
    readUntil({ ...fast, read: once.read }, (state) => state === "on"),
    refused,
  );
  const { read } = reading<string>(away);
  await assert.rejects(
    readUntil({ ...fast, withinMs: 5, read }, () => true),
    away,
  );
  assert.equal(once.reads, 2);
});

test("at the end of the time what is read last is what counts", async () => {
  const { read } = reading("off");
  assert.equal(await readUntil({ ...fast, withinMs: 5, read }, (state) => state === "on"), "off");
  await assert.rejects(confirmPower("on", { ...fast, withinMs: 5, read }), {
    message: "the command was accepted, but the power is still off after 5ms",
  });
});

test("the wait between two questions ends with the run, with its reason", async () => {
  const ending = new AbortController();
  const read = async () => {
    ending.abort(new Error("client gone"));
    return "off";
  };
  await assert.rejects(
    readUntil({ ...fast, everyMs: 60_000, signal: ending.signal, read }, () => false),
    new Error("client gone"),
  );
});

test("a power cycle is seen when the power was not on in between, whatever it was called", async () => {
  const seen = reading("on", "poweringoff", "off", "on");
  assert.equal(await watchCycle({ ...fast, read: seen.read }), true);
  assert.equal(await watchCycle({ ...fast, withinMs: 5, read: reading("on").read }), false);
  await assert.rejects(watchCycle({ ...fast, withinMs: 5, read: reading("off").read }), { code: "deadline_exceeded" });
});
