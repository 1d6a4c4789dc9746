import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "#pkg/log/log.ts";
import { GpioChips, versions } from "#test/support/gpio-chips.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { gpioButton } from "./gpio-button.ts";

for (const version of versions) {
  for (const release of ["persists", "input"] as const) {
    for (const [activelow, idle, pressed] of [
      [true, "high", "low"],
      [false, "low", "high"],
    ] as const) {
      test(`with gpioset ${version} a button that is active ${pressed} is pressed once and for no other moment, where a line that is let go ${release === "input" ? "becomes an input" : "persists"}`, async (t) => {
        await using chips = await GpioChips.open({ version, release });
        const { call, transcript } = recordedCall(["20ms"]);
        {
          const context = { host: chips.host(), log: silentLog, signal: t.signal };
          await using button = await gpioButton.configure({ pin: 17, activelow }).open(context);
          await button.run(call);
        }
        assert.deepEqual(
          { transcript, steps: await chips.steps(17) },
          { transcript: [{ print: "Button pressed for 20ms\n" }], steps: [idle, pressed, idle] },
        );
      });
    }
  }
}

test("a line changes its holder with its resistor pulling to idle, and a gpioset that takes commands keeps it", async (t) => {
  const history = async (version: (typeof versions)[number]) => {
    await using chips = await GpioChips.open({ version });
    const context = { host: chips.host(), log: silentLog, signal: t.signal };
    await using button = await gpioButton.configure({ pin: 4, activelow: true }).open(context);
    await button.run(recordedCall(["1ms"]).call);
    return await chips.history(4);
  };
  const pull = "high: let go, input with pull-up";
  assert.deepEqual(
    [await history("1.6.3"), await history("2.2.1 interactive")],
    [
      ["high: driven", pull, "low: driven", pull, "high: driven"],
      ["high: driven", "low: driven", "high: driven"],
    ],
  );
});

for (const version of versions) {
  test(`with gpioset ${version} a press that is cancelled releases the button`, async (t) => {
    await using chips = await GpioChips.open({ version });
    const context = { host: chips.host(), log: silentLog, signal: t.signal };
    await using button = await gpioButton.configure({ pin: 17, activelow: true }).open(context);
    const ending = new AbortController();
    const reason = new Error("client gone");
    const run = button.run(recordedCall(["1h"], { signal: ending.signal }).call);
    while (!(await chips.history(17)).includes("low: driven")) {
      await new Promise(setImmediate);
    }
    ending.abort(reason);
    await assert.rejects(run, reason);
    assert.deepEqual((await chips.history(17)).at(-1), "high: driven");
  });

  test(`with gpioset ${version} a press that loses its line fails with the reason, and the button is held released again`, async (t) => {
    await using chips = await GpioChips.open({ version });
    const context = { host: chips.host(), log: silentLog, signal: t.signal };
    await using button = await gpioButton.configure({ pin: 17, activelow: true }).open(context);
    const run = button.run(recordedCall(["1h"]).call);
    while (!(await chips.history(17)).includes("low: driven")) {
      await new Promise(setImmediate);
    }
    process.kill(await chips.holder(17), "SIGKILL");
    await assert.rejects(run, { code: "unavailable", message: "gpioset was ended by SIGKILL" });
    const { call, transcript } = recordedCall(["1ms"]);
    await button.run(call);
    assert.deepEqual(
      [transcript, await chips.steps(17)],
      [[{ print: "Button pressed for 1ms\n" }], ["high", "low", "high", "low", "high"]],
    );
  });
}

test("a run that ended before it began presses nothing", async (t) => {
  await using chips = await GpioChips.open();
  const context = { host: chips.host(), log: silentLog, signal: t.signal };
  await using button = await gpioButton.configure({ pin: 17, activelow: true }).open(context);
  const reason = new Error("gone");
  await assert.rejects(button.run(recordedCall([], { signal: AbortSignal.abort(reason) }).call), reason);
  assert.deepEqual(await chips.steps(17), ["high"]);
});

test("what is no time to press a button for is refused and presses nothing", async (t) => {
  await using chips = await GpioChips.open();
  const context = { host: chips.host(), log: silentLog, signal: t.signal };
  await using button = await gpioButton.configure({ pin: 17 }).open(context);
  const refusal = async (...args: string[]) => {
    const error: unknown = await button.run(recordedCall(args).call).catch((error: unknown) => error);
    return error instanceof Error ? error.message : error;
  };
  assert.deepEqual(
    [await refusal("soon"), await refusal("-1s"), await refusal("0s"), await refusal("2h"), await refusal("1s", "2s")],
    [
      'time: invalid duration "soon"',
      "a button cannot be pressed for -1s",
      "a button cannot be pressed for 0s",
      "a button cannot be pressed for 2h",
      'a press takes one duration but got "2s" too',
    ],
  );
  assert.deepEqual(await chips.history(17), ["low: driven"]);
});

test("an existing configuration is valid with whatever backend it names, and without a pin it means 0", () => {
  assert.deepEqual(gpioButton.configure({ backend: "devmem" }).claims, [
    { kind: "GPIO line", name: "0", terms: "a button, active high" },
  ]);
});
