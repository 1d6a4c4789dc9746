import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { silentLog } from "#pkg/log/log.ts";
import type { OpenModule } from "#pkg/modules/module.ts";
import { GpioChips, versions } from "#test/support/gpio-chips.ts";
import { memoryHost } from "#test/support/memory-host.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { parseChips } from "../gpio/chips.ts";
import { findGpiod } from "../gpio/gpiod.ts";
import { askTool, askToolWell } from "../tool/ask-tool.ts";
import { gpioSwitch } from "./gpio-switch.ts";

async function said(module: OpenModule, ...args: string[]): Promise<string> {
  const { call, transcript } = recordedCall(args);
  await module.run(call);
  return transcript.map((said) => ("print" in said ? said.print : "?")).join("");
}

for (const version of versions) {
  test(`with gpioset ${version} a switch does what it is told and says what it is`, async (t) => {
    await using chips = await GpioChips.open({ version });
    const context = { host: chips.host(), log: silentLog, signal: t.signal };
    const answers = [];
    {
      await using power = await gpioSwitch.configure({ pin: 17, activelow: true }).open(context);
      for (const args of [[], ["on"], ["on"], ["status"], ["off"], ["off"], ["toggle"], ["toggle"], ["on"]]) {
        answers.push(await said(power, ...args));
      }
    }
    assert.deepEqual(
      { answers, steps: await chips.steps(17) },
      {
        answers: [
          "Current state: off\n",
          "Turned on\n",
          "Already on\n",
          "Current state: on\n",
          "Turned off\n",
          "Already off\n",
          "Turned on\n",
          "Turned off\n",
          "Turned on\n",
        ],
        steps: ["high", "low", "high", "low", "high", "low", "high"],
      },
    );
  });

  test(`with gpioset ${version} two entries of one line have one state, and the last one lets go of it`, async (t) => {
    await using chips = await GpioChips.open({ version, release: "persists" });
    const context = { host: chips.host(), log: silentLog, signal: t.signal };
    const power = gpioSwitch.configure({ pin: 17, initial: "ON" });
    const [first, second] = await Promise.all([power.open(context), power.open(context)]);
    const answers = [await said(first), await said(first, "off"), await said(second), await said(second, "on")];
    await first[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    answers.push(await said(second, "off"));
    await second[Symbol.asyncDispose]();
    assert.deepEqual(
      { answers, steps: await chips.steps(17) },
      {
        answers: ["Current state: on\n", "Turned off\n", "Current state: off\n", "Turned on\n", "Turned off\n"],
        steps: ["high", "low", "high", "low", "high"],
      },
    );
  });

  test(`with gpioset ${version} a line whose holder was killed is held again, as it was, by the next run, which says so`, async (t) => {
    await using chips = await GpioChips.open({ version });
    const news = Promise.withResolvers<string>();
    const log = { ...silentLog, warn: (message: string) => news.resolve(message) };
    await using power = await gpioSwitch.configure({ pin: 17 }).open({ host: chips.host(), log, signal: t.signal });
    await said(power, "on");
    process.kill(await chips.holder(17), "SIGKILL");
    assert.deepEqual(
      [await news.promise, await said(power), await said(power, "off")],
      [
        "GPIO 17 was let go: gpioset was ended by SIGKILL",
        "GPIO 17 had been let go (gpioset was ended by SIGKILL); it is held again, on\nCurrent state: on\n",
        "Turned off\n",
      ],
    );
  });
}

test("a line that another program has is waited for a moment, and then refused with that program's name", async (t) => {
  await using chips = await GpioChips.open();
  const context = { host: chips.host(), log: silentLog, signal: t.signal };
  await using _power = await gpioSwitch.configure({ pin: 17 }).open(context);
  const elsewhere = { ...context, host: chips.host() };
  await assert.rejects(gpioSwitch.configure({ pin: 17 }).open(elsewhere), {
    code: "failed_precondition",
    message: 'GPIO 17 is in use by "gpioset"',
    hint: "end that program, or set the option pin to another line",
  });
  assert.deepEqual(await chips.history(17), ["low: driven"]);
});

test("a line is refused on other terms than those it is held on, and by another name, by which two devices could have it", async (t) => {
  await using chips = await GpioChips.open();
  const context = { host: chips.host(), log: silentLog, signal: t.signal };
  await using _power = await gpioSwitch.configure({ pin: 17 }).open(context);
  await assert.rejects(gpioSwitch.configure({ pin: 17, activelow: true }).open(context), {
    code: "invalid_argument",
    message:
      "GPIO 17 is a switch, active low, initially off here and a switch, active high, initially off in another entry",
  });
  await assert.rejects(gpioSwitch.configure({ pin: 17, chip: "pinctrl-bcm2711" }).open(context), {
    code: "invalid_argument",
    message: "GPIO 17 of pinctrl-bcm2711 is called GPIO 17 in another entry",
  });
});

test("a chip that is unplugged fails the next run with what gpioinfo says of it, and the close leaves nothing", async (t) => {
  await using chips = await GpioChips.open();
  const context = { host: chips.host(), log: silentLog, signal: t.signal };
  await using power = await gpioSwitch.configure({ pin: 17 }).open(context);
  await chips.unplug(17);
  await assert.rejects(said(power, "on"), {
    message: "gpioinfo exited with code 1: gpioinfo: cannot find GPIO chip character device 'gpiochip0'",
  });
});

test("a tool that hangs is given up, and nothing is left of it", async (t) => {
  await using chips = await GpioChips.open();
  await chips.hang("gpioinfo");
  const context = { host: chips.host(), log: silentLog, signal: t.signal };
  await assert.rejects(gpioSwitch.configure({ pin: 17 }).open(context), {
    code: "deadline_exceeded",
    message: "gpioinfo did not answer within 5s",
  });
  assert.deepEqual(await chips.history(17), []);
});

test("tools that are missing are named with the package that has them", async (t) => {
  const host = memoryHost({ processes: { ...nodeProcesses(), find: async () => undefined } });
  await assert.rejects(gpioSwitch.configure({ pin: 17 }).open({ host, log: silentLog, signal: t.signal }), {
    code: "failed_precondition",
    message: 'there is no program "gpiodetect" on the agent',
    hint: "install the Debian package gpiod on the agent",
  });
});

test("the tools that are installed are of a version whose command lines are known, and find no chip where there is none", {
  skip: (await nodeProcesses().find("gpiodetect")) === undefined && "there is no gpiodetect (apt-get install gpiod)",
}, async (t) => {
  const gpiod = await findGpiod(nodeProcesses(), t.signal);
  const chips = parseChips(await askToolWell(nodeProcesses(), "gpiodetect", tool(gpiod.detect, t.signal)));
  const open = gpioSwitch.configure({ chip: "no-such-chip" }).open({
    host: memoryHost({ processes: nodeProcesses() }),
    log: silentLog,
    signal: t.signal,
  });
  await assert.rejects(open, {
    message: chips.length === 0 ? "there is no GPIO chip that the agent may use" : /^there is no GPIO chip named/,
  });
  const { stderr, status } = await askTool(nodeProcesses(), "gpioset", {
    ...tool(gpiod.set, t.signal),
    args: gpiod.setArguments({ chip: "gpiochip99", pin: 17, level: "high", pull: "high" }),
  });
  // It read the command line and looked for the chip.
  assert.match(stderr, /gpioset: (?:error setting the GPIO line values: No such|cannot find GPIO chip)/);
  assert.deepEqual(status, { kind: "exited", code: 1 });
});

const tool = (program: string, signal: AbortSignal) => ({ program, args: [], signal });

test("what a line cannot be told is refused with what it can", async (t) => {
  await using chips = await GpioChips.open();
  const context = { host: chips.host(), log: silentLog, signal: t.signal };
  await using power = await gpioSwitch.configure({ pin: 17 }).open(context);
  await assert.rejects(said(power, "ON"), {
    code: "invalid_argument",
    message: 'unknown argument: "ON"',
    hint: "use on, off, toggle or status",
  });
  await assert.rejects(said(power, "on", "off"), { message: 'on takes no arguments but got "off"' });
});

test("a pin that the chip does not have and a chip that is not there are refused with what there is", async (t) => {
  await using chips = await GpioChips.open();
  const context = { host: chips.host(), log: silentLog, signal: t.signal };
  const refusal = async (options: object) => {
    const error: unknown = await gpioSwitch
      .configure(options)
      .open(context)
      .catch((error: unknown) => error);
    return error instanceof Error ? error.message : error;
  };
  assert.deepEqual(
    [await refusal({ pin: 58 }), await refusal({ pin: 8, chip: "gpiochip1" }), await refusal({ chip: "--help" })],
    [
      "there is no line 58 on gpiochip0 (pinctrl-bcm2711): it has 58",
      "there is no line 8 on gpiochip1 (raspberrypi-exp-gpio): it has 8",
      'there is no GPIO chip named "--help"',
    ],
  );
});
