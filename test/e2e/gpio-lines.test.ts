import assert from "node:assert/strict";
import { test } from "node:test";
import { GpioChips, versions } from "#test/support/gpio-chips.ts";
import { Lab } from "#test/support/lab.ts";

const button = { uses: [{ module: "gpio-button", passthrough: true, with: { pin: 17, activelow: true } }] };
const power = (options: object) => ({ uses: [{ module: "gpio-switch", passthrough: true, with: options }] });

for (const version of versions) {
  for (const release of ["persists", "input"] as const) {
    test(`an agent that starts, is killed, starts anew and stops presses no button by that, with gpioset ${version} where a line that is let go ${release === "input" ? "becomes an input" : "persists"}`, async (t) => {
      await using chips = await GpioChips.open({ version, release });
      await using lab = await Lab.open(t.signal);
      const bench = lab.startedBy("env", `PATH=${chips.bin}:${process.env.PATH}`);
      const devices = { board: { cmds: { button, again: button } } };
      const killed = await bench.agent(devices);
      const press = { code: 0, stdout: "Button pressed for 10ms\n", stderr: "" };
      assert.deepEqual(await bench.dutctl(["-s", killed.address, "board", "button", "10ms"]), press);
      killed.kill("SIGKILL");
      const anew = await bench.agent(devices);
      assert.deepEqual(await chips.steps(17), ["high", "low", "high"]);
      assert.deepEqual(await bench.dutctl(["-s", anew.address, "board", "again", "10ms"]), press);
      assert.equal((await anew.stop()).code, 0);
      assert.deepEqual(await chips.steps(17), ["high", "low", "high", "low", "high"]);
    });
  }
}

test("-check-config tells the entries that do not agree on a line, with file and line", async (t) => {
  await using lab = await Lab.open(t.signal);
  const config = await lab.configuration({
    board: { cmds: { button, power: power({ pin: 17 }), other: power({ pin: 18, initial: "on" }) } },
    lamp: { cmds: { power: power({ pin: 18, initial: "on" }) } },
  });
  const { code, stderr } = await lab.start("dutagent", ["-check-config", "-c", config]).ended;
  const problems = stderr.split("\n").flatMap((line) => /: (GPIO line .*)$/.exec(line)?.[1] ?? []);
  assert.deepEqual(
    [code, problems, stderr.includes(`${config}:1:`)],
    [
      1,
      [
        "GPIO line 17 is a switch, active high, initially off here and a button, active low at line 1; give both entries the same options",
        'GPIO line 18 belongs to device "board", at line 1; one device only can have it',
      ],
      true,
    ],
  );
});
