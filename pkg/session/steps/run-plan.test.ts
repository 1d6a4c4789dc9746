import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { DutError, explain } from "#pkg/errors/dut-error.ts";
import { silentLog } from "#pkg/log/log.ts";
import type { Call } from "#pkg/modules/module.ts";
import { RemoteExit } from "#pkg/modules/remote-exit.ts";
import { Conversation } from "../conversation.ts";
import type { Outcome } from "../run-event.ts";
import type { Plan, Step } from "./plan.ts";
import { runPlan } from "./run-plan.ts";

type Work = (call: Call) => Promise<void>;

const step = (name: string, when: Step["when"], run: Work): Step => ({
  name,
  when,
  args: [],
  module: { run, [Symbol.asyncDispose]: async () => {} },
});

const says =
  (text: string): Work =>
  ({ session }) =>
    session.print(text);

const fails =
  (text: string): Work =>
  () =>
    Promise.reject(new DutError("unavailable", text));

const untilStopped: Work = async ({ signal }) => {
  await once(signal, "abort");
  throw signal.reason;
};

/** Says that it was begun, and then whatever else. */
const begins =
  (work: Work): Work =>
  async (call) => {
    await call.session.print("begun");
    await work(call);
  };

/** A plan on its way. */
function carriedOut(steps: readonly Step[], { timeoutMs, retries = 0 }: Partial<Omit<Plan, "steps">> = {}) {
  const conversation = new Conversation(silentLog);
  conversation.journal.attach(0);
  const control = new AbortController();
  const { outcome, stopped } = runPlan({ steps, timeoutMs, retries }, conversation, control.signal, silentLog);
  return {
    conversation,
    stopped,
    outcome: outcome.then(inWords),
    status: outcome.then(({ exitStatus }) => exitStatus),
    stop(reason: DutError) {
      control.abort(reason);
      conversation.stop(reason);
    },
    /** Everything that was said, in words. */
    said: () => saidIn(conversation),
  };
}

function saidIn({ journal }: Conversation): string[] {
  const said: string[] = [];
  for (let entry = journal.next(); entry !== undefined; entry = journal.next()) {
    const { event } = entry;
    if (event.kind === "notice") {
      said.push(`notice: ${event.text}`);
    } else if ("bytes" in event) {
      said.push(Buffer.from(event.bytes).toString());
    } else {
      said.push(event.kind);
    }
  }
  return said;
}

function inWords({ error }: Outcome): string {
  return error === undefined ? "well" : `${error.code}: ${explain(error)}`;
}

/** Lets everything happen that needs no timer. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const canceled = new DutError("canceled", "interrupted");

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

test("a timeout ends the attempt, names itself and the step, and what is due in any case runs", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const run = carriedOut(
    [
      step("power", "success", says("on ")),
      step("flash", "success", untilStopped),
      step("power", "always", async ({ session, signal }) => session.print(signal.aborted ? "dead" : "off")),
    ],
    { timeoutMs: 10_000 },
  );
  await settled();
  t.mock.timers.tick(10_000);
  assert.deepEqual(
    [await run.outcome, run.said()],
    [
      "deadline_exceeded: the command took longer than its timeout of 10s, in step 2 of 3, module flash",
      ["on ", "notice: the run was stopped; step 3 of 3, module power, still runs", "off"],
    ],
  );
});

test("a client that takes nothing keeps neither a module from its timeout nor what is due then from its work", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const done: string[] = [];
  const run = carriedOut(
    [
      step("log", "success", async ({ session, signal }) => {
        while (!signal.aborted) {
          await session.print("x".repeat(100_000));
        }
        throw signal.reason;
      }),
      step("power", "always", async ({ session }) => {
        await session.print("switching off\n");
        done.push("off");
      }),
    ],
    { timeoutMs: 3_000 },
  );
  await settled();
  t.mock.timers.tick(3_000);
  await settled();
  const before = [...done];
  t.mock.timers.tick(1_000);
  assert.match(await run.outcome, /^deadline_exceeded: the command took longer than its timeout of 3s, in step 1 of 2/);
  const missing = "notice: some of the output is missing here: the client did not take it in time";
  assert.deepEqual([before, done, run.said().filter((text) => text === missing)], [[], ["off"], [missing]]);
});

test("a timeout ends a module that waits for keys, and nothing that was typed later is lost", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const run = carriedOut(
    [
      step("console", "success", async ({ session }) => void (await Array.fromAsync(session.stdin))),
      step("ask", "failure", async ({ session }) => {
        for await (const piece of session.stdin) {
          await session.print(`heard ${Buffer.from(piece)}`);
          return;
        }
      }),
    ],
    { timeoutMs: 1_000 },
  );
  await settled();
  t.mock.timers.tick(1_000);
  await settled();
  await run.conversation.typed(Buffer.from("y"));
  assert.match(await run.outcome, /^deadline_exceeded: .* in step 1 of 2, module console$/);
  assert.deepEqual(run.said(), ["notice: the run was stopped; step 2 of 2, module ask, still runs", "heard y"]);
});

test("a timeout ends the wait for a file, which may still come and is dropped, and is not tried again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const run = carriedOut([step("flash", "success", async ({ session }) => void (await session.requestFile("image")))], {
    timeoutMs: 1_000,
    retries: 1,
  });
  await settled();
  t.mock.timers.tick(1_000);
  const error = "the command took longer than its timeout of 1s, in step 1 of 1, module flash";
  assert.equal(await run.outcome, `deadline_exceeded: ${error}`);
  run.conversation.file("image", Buffer.from("late"));
  assert.throws(() => run.conversation.file("image", Buffer.from("again")), { code: "invalid_argument" });
  assert.deepEqual(run.said(), [
    "file-request",
    `notice: attempt 1 of 2 failed: ${error}; not tried again: a file was on its way`,
  ]);
});

test("a failed attempt is repeated with everything that is due, says so, and asks for files again", async () => {
  let flashes = 0;
  const run = carriedOut(
    [
      step("power", "success", says("on ")),
      step("flash", "success", async ({ session }) => {
        await Array.fromAsync(await session.requestFile("image"));
        flashes += 1;
        if (flashes < 3) {
          throw new DutError("unavailable", "no answer", { hint: "plug it in" });
        }
      }),
      step("power", "always", says("off ")),
    ],
    { retries: 5 },
  );
  for (let round = 0; round < 3; round++) {
    await settled();
    run.conversation.file("image", Buffer.from("content"));
  }
  const again = (number: number) =>
    `notice: attempt ${number} of 6 failed: module failed: step 2 of 3, module flash: no answer (plug it in); trying again`;
  const round = ["on ", "file-request", "off "];
  assert.deepEqual([await run.outcome, run.said()], ["well", [...round, again(1), ...round, again(2), ...round]]);
});

test("the error of the last attempt is the run's, and a timeout counts as a failure for each", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let attempts = 0;
  const run = carriedOut(
    [
      step("flash", "success", async (call) => {
        attempts += 1;
        await (attempts === 1 ? untilStopped(call) : fails("the chip is gone")(call));
      }),
    ],
    { timeoutMs: 1_000, retries: 1 },
  );
  await settled();
  t.mock.timers.tick(1_000);
  assert.deepEqual(
    [await run.outcome, attempts],
    ["aborted: module failed: step 1 of 1, module flash: the chip is gone", 2],
  );
});

for (const [what, work, why] of [
  [
    "because of its arguments",
    () => Promise.reject(new DutError("invalid_argument", "no such level")),
    "its arguments stay the same",
  ],
  [
    "for a wrong password",
    () => Promise.reject(new DutError("unauthenticated", "the BMC refuses the password")),
    "its credentials stay the same",
  ],
  [
    "after it has read what was typed",
    async ({ session }) => {
      for await (const _ of session.stdin) {
        throw new Error("enough");
      }
    },
    "what was typed is not typed again",
  ],
] satisfies readonly (readonly [string, Work, string])[]) {
  test(`what fails ${what} is not tried again`, async () => {
    const run = carriedOut([step("a", "success", work)], { retries: 3 });
    await run.conversation.typed(Buffer.from("y"));
    assert.match(await run.outcome, /^aborted: module failed: step 1 of 1, module a: /);
    assert.match(run.said().join("\n"), new RegExp(`^notice: attempt 1 of 4 failed: .*; not tried again: ${why}$`));
  });
}
