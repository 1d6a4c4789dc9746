import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { test } from "node:test";
import { Lab } from "#test/support/lab.ts";
import { openFilesOf, untilOpenFiles } from "#test/support/open-files.ts";
import { peakMegabytes, resetPeak } from "#test/support/process-memory.ts";
import { openRollCall } from "#test/support/roll-call.ts";
import { untilFree } from "./free-devices.ts";
import { agentWithTools, floodMebibytes, ToolBench, type ToolName, toolNames, useOf } from "./tool-bench.ts";

/** Where Debian has them; `gpiodetect` is what gpio-switch looks for first. */
const packages: Readonly<Record<string, string | undefined>> = {
  ...{ flashrom: "flashrom", gpiodetect: "gpiod", ipmitool: "ipmitool", snmpget: "snmp", tar: "tar" },
  ...{ uhubctl: "uhubctl", uname: "coreutils", usbrelay: "usbrelay", usbsdmux: "usbsdmux", xz: "xz-utils" },
};

/** An error is to be read, and to fit into a message, whatever the tool printed. */
const longestErrorCharacters = 2000;

/** Much less than a tool prints. */
const mostGrownMegabytes = 250;

/** The exit code and what is said of a tool that has printed nothing but zeros and ended well. */
const floodEnds: Readonly<Record<ToolName, string>> = {
  dpcmd: "1 flash operation failed: dpcmd does not say how large the chip is",
  em100: "1 the emulator does not say whether it runs",
  flashrom: "1 flash operation failed: flashrom does not say how large the chip is",
  gpioinfo: "1 gpioinfo does not show line 17 of gpiochip0",
  ipmitool: "1 failed to get chassis status: ipmitool gave no power status but ",
  snmpget: "1 unexpected value ",
  tar: "0 ",
  uhubctl: "1 uhubctl shows no port 2 of hub 1-1",
  uname: "0 ",
  usbrelay: "1 there is no USB relay BITFT_1",
  usbsdmux: "1 usbsdmux says no mode that is known: ",
  xz: "1 the image is empty",
};

test("each tool that is missing is named to the user, with the package that has it", async (t) => {
  await using lab = await Lab.open(t.signal);
  await mkdir(lab.path("bin"));
  const { address } = await agentWithTools(lab, lab.path("bin"));
  const said = await Promise.all(
    toolNames.map(async (tool) => (await lab.dutctl(["-s", address, ...useOf(tool)])).stderr),
  );
  const missing = said.map((text) => /there is no program "\S+" on the agent\W+install .*?(?=\)?\n)/.exec(text)?.[0]);
  assert.deepEqual(
    missing.map((text) => text?.replace(/\s*\(|\n\s*/, ": ")),
    toolNames.map((tool) => {
      const sought = tool === "gpioinfo" ? "gpiodetect" : tool;
      const debian = packages[sought];
      const what =
        debian === undefined
          ? "install it, and see to it that it is on the PATH of the agent"
          : `install the Debian package ${debian} on the agent`;
      return `there is no program "${sought}" on the agent: ${what}`;
    }),
  );
});

test("each tool that hangs and does not hear SIGTERM is gone after Ctrl-C, with its files, and its device is free", async (t) => {
  await using roll = await openRollCall();
  await using bench = await ToolBench.open(roll, t.signal);
  const before = await openFilesOf(bench.agent);
  await bench.become("deaf");
  const stopped = await Promise.all(
    toolNames.map(async (tool) => {
      const client = bench.use(tool);
      await roll.came(tool);
      const cancelled = performance.now();
      client.kill("SIGINT");
      await roll.gone(tool);
      return { code: (await client.ended).code, ms: performance.now() - cancelled };
    }),
  );
  const slowest = Math.max(...stopped.map(({ ms }) => ms));
  t.diagnostic(`gone after ${(slowest / 1000).toFixed(1)} s at most`);
  await untilFree(bench.agent);
  await untilOpenFiles(bench.agent, before);
  assert.deepEqual([stopped.map(({ code }) => code), await bench.leftBehind()], [toolNames.map(() => 130), []]);
});

test(`each tool that prints ${floodMebibytes} MiB costs the agent little memory, and what is said of it is short`, async (t) => {
  await using roll = await openRollCall();
  await using bench = await ToolBench.open(roll, t.signal);
  const { pid = 0 } = bench.agent.process;
  const before = { files: await openFilesOf(bench.agent), memory: await peakMegabytes(pid) };
  await resetPeak(pid);
  await bench.become("flooding");
  const ends: Partial<Record<ToolName, string>> = {};
  for (const tool of toolNames) {
    const { code, stderr } = await bench.use(tool).ended;
    assert.ok(stderr.length < longestErrorCharacters, `${tool}: ${stderr.length} characters`);
    const said = /^✗ module failed: ([^"\n]*)/.exec(stderr)?.[1] ?? "";
    // Such as on a machine that is busy with other things.
    ends[tool] = / did not (?:answer|end) within /.test(said) ? floodEnds[tool] : `${code} ${said}`;
  }
  const grown = (await peakMegabytes(pid)) - before.memory;
  t.diagnostic(`the agent grew by ${grown.toFixed(0)} MB`);
  assert.ok(grown < mostGrownMegabytes, `grown by ${grown} MB`);
  await untilFree(bench.agent);
  await untilOpenFiles(bench.agent, before.files);
  assert.deepEqual([ends, await bench.leftBehind()], [floodEnds, []]);
});
