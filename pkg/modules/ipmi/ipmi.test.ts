import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempDisposable, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, suite, test } from "node:test";
import { explain } from "#pkg/errors/dut-error.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import type { Processes } from "#pkg/host/processes.ts";
import { type IpmiSim, openIpmiSim, withoutIpmi } from "#test/support/ipmi-sim.ts";
import { LossyRelay } from "#test/support/lossy-relay.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { openRollCall } from "#test/support/roll-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { ipmi } from "./ipmi.ts";

const processes = nodeProcesses();

/** What it printed, and then the error if it failed. */
async function said(options: object, args: readonly string[], parts: { processes: Processes } = { processes }) {
  const { call, transcript } = recordedCall(args);
  const error = await runModule(ipmi, options, call, parts).then(() => undefined, explain);
  return [...transcript.map((utterance) => Object.values(utterance).join()), ...(error === undefined ? [] : [error])];
}

suite("with OpenIPMI's simulated BMC", { skip: withoutIpmi }, () => {
  let bmc: IpmiSim;
  before(async () => {
    bmc = await openIpmiSim();
  });
  after(() => bmc[Symbol.asyncDispose]());
  beforeEach(async () => {
    await bmc.setTemper("obeys");
    await bmc.setPower("off");
    await bmc.told();
  });

  const good = () => ({ host: bmc.host, port: bmc.port, user: bmc.user, password: bmc.password });
  const where = () => `BMC ${bmc.host}:${bmc.port}`;

  test("commands in any case switch the power, and what became of it is read back", async () => {
    const told: Record<string, readonly string[]> = {};
    for (const word of ["Status", "ON", "status", "reset", "soft", "on", "off"]) {
      told[word] = await said(good(), [word]);
    }
    assert.deepEqual(
      // A BMC that takes its time is told again to switch on or off.
      { told, chassis: (await bmc.told()).filter((one, index, all) => one !== all[index - 1]) },
      {
        told: {
          Status: ["Device power status: Off\n"],
          ON: ["Power ON command sent\n", "Device power status: On\n"],
          status: ["Device power status: On\n"],
          reset: [
            "Power RESET command sent\n",
            "A reset does not show in the power status\n",
            "Device power status: On\n",
          ],
          soft: ["Power SOFT command sent\n", "Device power status: Off\n"],
          on: ["Power ON command sent\n", "Device power status: On\n"],
          off: ["Power OFF command sent\n", "Device power status: Off\n"],
        },
        chassis: ["power 1", "reset 1", "shutdown 1", "power 1", "power 0"],
      },
    );
  });

  test("a cycle that is seen off and on is confirmed, one that is not seen off says so", async () => {
    await bmc.setPower("on");
    await bmc.setTemper("slow");
    let looks = 0;
    const watched: Processes = {
      ...processes,
      async start(options) {
        // Who looks again has seen the power off.
        if (options.args.includes("status") && ++looks === 2) {
          await bmc.cycled();
          await bmc.setPower("on");
        }
        return await processes.start(options);
      },
    };
    const seen = await said({ ...good(), cipher: 3 }, ["cycle"], { processes: watched });
    await bmc.told();
    await bmc.setTemper("deaf");
    const unseen = await said({ ...good(), interface: "lan", confirm: "10ms" }, ["cycle"]);
    await bmc.setPower("off");
    await bmc.cycled();
    assert.deepEqual(
      { unseen, seen },
      {
        unseen: [
          "Power CYCLE command sent\n",
          "The BMC did not show the power off in between\n",
          "Device power status: On\n",
        ],
        seen: ["Power CYCLE command sent\n", "Device power status: On\n"],
      },
    );
  });

  test("a BMC that says yes and stays as it is fails the command", async () => {
    await bmc.setTemper("deaf");
    assert.deepEqual(await said({ ...good(), confirm: "10ms" }, ["on"]), [
      "Power ON command sent\n",
      "the command was accepted, but the power is still off after 10ms (if the device is only slow, allow it more time in the options)",
    ]);
    await bmc.setPower("on");
    assert.deepEqual(await said({ ...good(), grace: "10ms" }, ["soft"]), [
      "Power SOFT command sent\n",
      "the command was accepted, but the power is still on after 10ms (if the device is only slow, allow it more time in the options)",
    ]);
  });

  test("a command whose answer is lost is sent again only when that makes no difference", async () => {
    for (const [word, command, again, last] of [
      ["on", "power 1", true, "Device power status: On\n"],
      ["reset", "reset 1", false, "power reset command failed: BMC gave no answer"],
    ] as const) {
      const before = bmc.toldSoFar();
      let lost = 0;
      await using relay = await LossyRelay.open(bmc, () => bmc.toldSoFar() > before && lost++ === 0);
      const words = await said({ ...good(), host: "127.0.0.1", port: relay.address.port }, [word]);
      const end = words.at(-1)?.replace(/ 127\S+| \(.*/g, "");
      const told = await bmc.told();
      assert.deepEqual([new Set(told), told.length > 1, end], [new Set([command]), again, last]);
    }
  });

  test("a BMC that refuses is quoted", async () => {
    await bmc.setTemper("refuses");
    assert.deepEqual(await said(good(), ["on"]), [
      `power on command failed: ${where()} refused: Unspecified error (ask it for the status: not everything is possible in every state, or on every device)`,
    ]);
  });

  test("without cipher the BMC is asked for the better suite and then for the older, once", async () => {
    const asked: (string | undefined)[] = [];
    const watched: Processes = {
      ...processes,
      start(options) {
        asked.push(options.args[options.args.indexOf("-C") + 1]);
        return processes.start(options);
      },
    };
    await said(good(), ["on"], { processes: watched });
    await said({ ...good(), cipher: 3 }, ["status"], { processes: watched });
    assert.deepEqual(asked, ["17", "3", "3", "3"]);
  });

  test("a user who may only look sees the power and cannot switch it", async () => {
    const guest = { ...good(), user: "guest", privilege: "user" };
    assert.deepEqual(await said(guest, ["status"]), ["Device power status: Off\n"]);
    assert.deepEqual(await said(guest, ["on"]), [
      `power on command failed: ${where()} refused: Insufficient privilege level (log in as a user of the privilege operator or administrator, and check the option privilege)`,
    ]);
    assert.deepEqual(await bmc.told(), []);
  });

  for (const [what, options, problem] of [
    ["a wrong password", { password: "wrong" }, 'the password of "admin" is wrong (check the option password)'],
    ["an unknown user", { user: "-Pnobody" }, 'it has no user "-Pnobody" (check the option user)'],
    [
      "a cipher suite that it does not have",
      { cipher: 17 },
      "it does not have cipher suite 17 (set the option cipher to one that it has)",
    ],
    [
      "the old interface and a wrong password",
      { interface: "lan", password: "wrong" },
      'the password of "admin" is wrong (check the option password)',
    ],
  ] as const) {
    test(`${what} is said to be one`, async () => {
      assert.deepEqual(await said({ ...good(), ...options }, ["status"]), [
        `failed to get chassis status: failed to connect to IPMI ${where()}: ${problem}`,
      ]);
    });
  }

  test("the password is in no command line and in nothing that is said", async () => {
    const lines: string[] = [];
    const watched: Processes = {
      ...processes,
      start(options) {
        lines.push(options.args.join(" "));
        return processes.start(options);
      },
    };
    const printed = await said({ ...good(), password: "hush hush" }, ["status"], { processes: watched });
    assert.deepEqual([lines.length, [...lines, ...printed].filter((text) => text.includes("hush"))], [2, []]);
  });
});

test("a BMC that never answers is given up after the timeout", { skip: withoutIpmi }, async () => {
  await using silent = createSocket("udp4");
  silent.bind(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address();
  const options = { host: "127.0.0.1", port, user: "admin", password: "x", timeout: "300ms" };
  assert.deepEqual(await said(options, ["on"]), [
    `power on command failed: BMC 127.0.0.1:${port} did not answer within 300ms (is it reachable from the agent, is IPMI over LAN on, and is the port right? what was asked may have arrived)`,
  ]);
});

test("a name that nobody knows is said to be one", { skip: withoutIpmi }, async () => {
  assert.deepEqual(await said({ host: "-no-such-bmc.invalid" }, ["status"]), [
    "failed to get chassis status: failed to connect to IPMI BMC -no-such-bmc.invalid:623: nobody knows this name (check the name, or use the IP address)",
  ]);
});

test("a missing ipmitool is named with its package when the module opens", async () => {
  const without: Processes = { ...processes, find: async () => undefined };
  assert.deepEqual(await said({ host: "bmc" }, ["status"], { processes: without }), [
    'there is no program "ipmitool" on the agent (install the Debian package ipmitool on the agent)',
  ]);
});

suite("with a program in the place of ipmitool", () => {
  async function withTool(script: string) {
    const directory = await mkdtempDisposable(join(tmpdir(), "ipmitool-"));
    const tool = join(directory.path, "ipmitool");
    await writeFile(tool, `#!/bin/sh\n${script}`, { mode: 0o755 });
    const parts = { processes: { ...processes, find: async () => tool } };
    return { parts, path: directory.path, [Symbol.asyncDispose]: () => directory.remove() };
  }

  test("a BMC that has no session free is asked three times, and a command that may have arrived only once", async () => {
    const failing = (sentence: string) => `echo "Error: ${sentence}" >&2; echo tried >>"$(dirname "$0")/tries"; exit 1`;
    await using busy = await withTool(
      `${failing("Unable to establish IPMI v2 / RMCP+ session").replace("exit 1", "")}
      [ "$(wc -l <"$(dirname "$0")/tries")" -lt 3 ] && exit 1; echo "Chassis Power is on"`,
    );
    assert.deepEqual(await said({ host: "bmc" }, ["status"], busy.parts), ["Device power status: On\n"]);
    await using broken = await withTool(failing("Set Chassis Power Control to Cycle failed: Timeout"));
    await said({ host: "bmc" }, ["cycle"], broken.parts);
    const { size } = await stat(join(broken.path, "tries"));
    assert.equal(size, "tried\n".length);
  });

  test("one that hangs and ignores SIGTERM is gone when the run is cancelled", async () => {
    await using roll = await openRollCall();
    await using stubborn = await withTool(`trap '' TERM\n${roll.attend("tool")}`);
    const ending = new AbortController();
    const { call } = recordedCall(["status"], { signal: ending.signal });
    const run = runModule(ipmi, { host: "bmc" }, call, stubborn.parts);
    await roll.came("tool");
    ending.abort(new Error("client gone"));
    await assert.rejects(run, new Error("client gone"));
    await roll.gone("tool");
  });

  test("an answer without a power status is not taken for one", async () => {
    await using odd = await withTool("echo Chassis Power is unknown");
    assert.deepEqual(await said({ host: "bmc" }, ["status"], odd.parts), [
      'failed to get chassis status: ipmitool gave no power status but "Chassis Power is unknown"',
    ]);
  });
});

test("a missing or unknown command, and one with arguments, fails", async () => {
  const parts = { processes: { ...processes, find: async () => "/bin/false" } };
  const available = "(Available commands: on, off, soft, cycle, reset, status)";
  assert.deepEqual(
    [
      ...(await said({ host: "bmc" }, [], parts)),
      ...(await said({ host: "bmc" }, ["onn"], parts)),
      ...(await said({ host: "bmc" }, ["on", "now"], parts)),
    ],
    [`no command specified ${available}`, `unknown command "onn" ${available}`, 'on takes no arguments but got "now"'],
  );
});

test("options that cannot be right are refused with the option's name", () => {
  const problems = (options: object) => {
    const { error } = ipmi.schema.safeParse(options);
    return error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  };
  assert.deepEqual(
    [
      problems({}),
      problems({ host: "" }),
      problems({ host: "bmc", timeout: "10" }),
      problems({ host: "bmc", timeout: "0s", confirm: "-1s" }),
      problems({ host: "bmc", password: "x".repeat(21), user: "x".repeat(17) }),
      problems({ host: "bmc", password: "x".repeat(17), interface: "lan", cipher: 3 }),
      problems({ host: "bmc", port: 623, user: "a", password: "b", timeout: "10s" }),
    ],
    [
      ["host: IPMI Host is not set"],
      ["host: IPMI Host is not set"],
      ['timeout: time: missing unit in duration "10" (write a number and a unit, such as 300ms, 1.5h or 1h30m)'],
      ["timeout: must be longer than 0", "confirm: must be longer than 0"],
      ["user: IPMI takes at most 16 bytes", "password: IPMI takes at most 20 bytes"],
      [
        "password: the interface lan takes at most 16 bytes",
        "cipher: the interface lan has no cipher suites: leave it out",
      ],
      undefined,
    ],
  );
});
