import assert from "node:assert/strict";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { canceled, carriedOut, fails, says, settled, step, untilStopped, type Work } from "./test/carry-out.ts";

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

test("between two attempts a pause is made that was asked for, and said", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const run = carriedOut([step("flash", "success", says("flashing ")), step("check", "success", fails("no answer"))], {
    retries: 1,
    retryAfterMs: 2_000,
  });
  await settled();
  t.mock.timers.tick(1_999);
  await settled();
  const before = run.said();
  t.mock.timers.tick(1);
  const error = "module failed: step 2 of 2, module check: no answer";
  assert.deepEqual(
    [before, await run.outcome, run.said()],
    [["flashing ", `notice: attempt 1 of 2 failed: ${error}; trying again in 2s`], `aborted: ${error}`, ["flashing "]],
  );
});

test("a stop ends the pause at once, and what had failed stays the error", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const run = carriedOut([step("check", "success", fails("no answer"))], { retries: 1, retryAfterMs: 2_000 });
  await settled();
  run.stop(canceled);
  const error = "module failed: step 1 of 1, module check: no answer";
  assert.deepEqual(
    [await run.outcome, run.said()],
    [
      `aborted: ${error}`,
      [`notice: attempt 1 of 2 failed: ${error}; trying again in 2s`, "notice: not tried again: the run was stopped"],
    ],
  );
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
