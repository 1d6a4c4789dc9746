import assert from "node:assert/strict";
import { test } from "node:test";
import { RemoteExit } from "#pkg/modules/remote-exit.ts";
import { begins, canceled, carriedOut, fails, says, settled, step, untilStopped, type Work } from "./test/carry-out.ts";

test("while all goes well, what waits for a failure does not run", async () => {
  const run = carriedOut([
    step("a", "success", says("a")),
    step("b", "failure", says("b")),
    step("c", "always", says("c")),
    step("d", "success", says("d")),
  ]);
  assert.deepEqual([await run.outcome, run.said().join(" ")], ["well", "a c d"]);
});

test("after a failure only what waits for it, and what runs in any case, runs, and the first failure is the error", async () => {
  const run = carriedOut([
    step("power", "success", says("on ")),
    step("flash", "success", () => Promise.reject(new RemoteExit(7, "the chip is gone"))),
    step("check", "success", says("checked ")),
    step("notify", "failure", fails("no network")),
    step("power", "always", says("off ")),
  ]);
  assert.deepEqual(
    [await run.outcome, await run.status, run.said()],
    [
      "aborted: module failed: step 2 of 5, module flash: the chip is gone",
      7,
      ["on ", "notice: step 4 of 5, module notify, failed too: no network", "off "],
    ],
  );
});

test("what runs in any case and fails where nothing had failed is the error, and what waits for it runs", async () => {
  const run = carriedOut([
    step("power", "always", fails("stuck")),
    step("flash", "success", says("flashed")),
    step("notify", "failure", says("told")),
  ]);
  assert.deepEqual(
    [await run.outcome, run.said()],
    ["aborted: module failed: step 1 of 3, module power: stuck", ["told"]],
  );
});

test("what went wrong first is the error, also when the module then could not give everything back", async () => {
  const run = carriedOut([
    step("flash", "success", async () => {
      await using _first = {
        async [Symbol.asyncDispose]() {
          throw new Error("and not removed");
        },
      };
      await using _second = {
        async [Symbol.asyncDispose]() {
          throw new Error("not closed");
        },
      };
      throw new RemoteExit(7, "the chip is gone");
    }),
  ]);
  assert.deepEqual([await run.outcome, await run.status], ["aborted: module failed: the chip is gone", 7]);
});

test("a plan without conditions, limit and retries fails in the words that are known from the Go agent", async () => {
  const run = carriedOut([step("flash", "success", fails("the chip is gone")), step("power", "success", says("off"))]);
  assert.deepEqual([await run.outcome, run.said()], ["aborted: module failed: the chip is gone", []]);
});

test("a run that is stopped says why, does what is due in any case with a signal of its own, and says so", async () => {
  const run = carriedOut([
    step("flash", "success", begins(untilStopped)),
    step("power", "always", async ({ session, signal }) => session.print(signal.aborted ? "dead" : "off")),
    step("check", "success", says("never")),
  ]);
  await settled();
  run.stop(canceled);
  assert.deepEqual(
    [await run.outcome, run.said()],
    ["canceled: interrupted", ["begun", "notice: the run was stopped; step 2 of 3, module power, still runs", "off"]],
  );
});

/** Hands the client a file that never ends, whatever happens. */
const sendsForEver: Work = async ({ session }) => {
  async function* content() {
    for (;;) {
      yield Buffer.alloc(65_536);
    }
  }
  await session.sendFile("log", content());
};

for (const [what, work] of [
  ["the download", sendsForEver],
  [
    "a request for a file",
    async ({ session }) => {
      await session.stdout(Buffer.alloc(1024 * 1024));
      await session.requestFile("image");
    },
  ],
] satisfies readonly (readonly [string, Work])[]) {
  test(`a stop ends ${what} of a client that takes nothing at once, and what is due then begins`, async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const done: string[] = [];
    const run = carriedOut([step("file", "success", work), step("power", "always", async () => void done.push("off"))]);
    await settled();
    const before = [...done];
    run.stop(canceled);
    assert.deepEqual([await run.outcome, before, done], ["canceled: interrupted", [], ["off"]]);
    await run.stopped;
  });
}

test("a stop ends a file that comes more slowly than its client takes it, with the next piece", async () => {
  const pieces: string[] = [];
  const next = Promise.withResolvers<void>();
  async function* slow() {
    yield Buffer.from("one");
    await next.promise;
    for (const piece of ["two", "three"]) {
      pieces.push(piece);
      yield Buffer.from(piece);
    }
  }
  const run = carriedOut([step("file", "success", ({ session }) => session.sendFile("log", slow()))]);
  await settled();
  run.stop(canceled);
  next.resolve();
  assert.deepEqual([await run.outcome, pieces], ["canceled: interrupted", ["two"]]);
  await run.stopped;
});

test("what is due in any case ends when its time is over, also while a client takes nothing of a file", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const run = carriedOut([step("flash", "success", untilStopped), step("log", "always", sendsForEver)]);
  run.stop(canceled);
  await settled();
  t.mock.timers.tick(20_000);
  assert.equal(await run.outcome, "canceled: interrupted");
  await run.stopped;
});

test("what runs in any case is not ended by the stop, and a stop between two steps is no success", async () => {
  const finish = Promise.withResolvers<void>();
  const run = carriedOut([
    step(
      "power",
      "always",
      begins(() => finish.promise),
    ),
    step("flash", "success", says("never")),
    step("notify", "failure", says("told")),
  ]);
  await settled();
  run.stop(canceled);
  finish.resolve();
  assert.equal(await run.outcome, "canceled: interrupted");
  assert.deepEqual(run.said(), [
    "begun",
    "notice: the run was stopped; step 3 of 3, module notify, still runs",
    "told",
  ]);
});

test("a failure that came before the stop stays the error", async () => {
  const finish = Promise.withResolvers<void>();
  const run = carriedOut([
    step("flash", "success", fails("the chip is gone")),
    step("power", "always", () => finish.promise),
  ]);
  await settled();
  run.stop(canceled);
  finish.resolve();
  assert.equal(await run.outcome, "aborted: module failed: step 1 of 2, module flash: the chip is gone");
});

test("after a stop, what is due in any case has 20 s together, and what comes too late is left out by name", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const run = carriedOut([
    step("flash", "success", untilStopped),
    step("slow", "always", untilStopped),
    step("late", "always", says("never")),
  ]);
  run.stop(canceled);
  await settled();
  t.mock.timers.tick(19_999);
  await settled();
  const before = run.said();
  t.mock.timers.tick(1);
  const over = "the run was stopped 20s ago, its time is over";
  assert.deepEqual(
    [await run.outcome, before, run.said()],
    [
      "canceled: interrupted",
      ["notice: the run was stopped; step 2 of 3, module slow, still runs"],
      [
        `notice: step 2 of 3, module slow, failed too: ${over}`,
        `notice: step 3 of 3, module late, is left out: ${over}`,
      ],
    ],
  );
});

test("a module that does not stop is given up after 12 s: what is due then runs, and the device waits for it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const hung = Promise.withResolvers<void>();
  const run = carriedOut([step("flash", "success", () => hung.promise), step("power", "always", says("off"))], {
    retries: 1,
  });
  let isStopped = false;
  void run.stopped.then(() => {
    isStopped = true;
  });
  run.stop(canceled);
  await settled();
  const before = run.said();
  t.mock.timers.tick(12_000);
  assert.equal(await run.outcome, "canceled: interrupted");
  assert.deepEqual(
    [before, run.said(), isStopped],
    [
      [],
      [
        "notice: the run was stopped; step 2 of 2, module power, still runs",
        "off",
        "notice: attempt 1 of 2 failed: interrupted; not tried again: the run was stopped",
      ],
      false,
    ],
  );
  hung.reject(new Error("torn down"));
  await run.stopped;
});
