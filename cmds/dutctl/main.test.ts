import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { callerOf, fromHeader } from "#pkg/protocol/headers.ts";
import { HeldPorts } from "#test/support/held-ports.ts";
import { dutctl } from "./test/recorded-world.ts";
import { type Script, ScriptedAgent } from "./test/scripted-agent.ts";

const bench: Script = {
  list: () => ({
    devices: [
      { name: "dev 2" },
      { name: "dev1", lock: { owner: "alice@h", lockedAt: 1795170443n, expiresAt: 1795171943n } },
    ],
  }),
  commands: ({ device }) => {
    if (device !== "dev1") {
      throw new ConnectError(`device "${device}": no such device`, Code.NotFound);
    }
    return { commands: ["chain", "status"] };
  },
  details: ({ device, command, keyword }) => ({ details: `${device} ${command} ${keyword}` }),
};

test("list shows the devices", async () => {
  await using agent = await ScriptedAgent.start(bench);
  assert.deepEqual(await dutctl(["-s", agent.address, "list"]), {
    code: 0,
    stdout: '- dev 2\n- dev1 [locked by "alice@h" for 25m]\n',
    stderr: "",
  });
});

test("a device alone shows its commands", async () => {
  await using agent = await ScriptedAgent.start(bench);
  assert.deepEqual(await dutctl(["-v", "-s", agent.address, "dev1"]), {
    code: 0,
    stdout: `# connected to ${agent.address} (Commands Response) device "dev1"\n- chain\n- status\n`,
    stderr: "",
  });
});

test("help asks the agent about the command", async () => {
  await using agent = await ScriptedAgent.start(bench);
  assert.deepEqual(await dutctl(["-s", agent.address, "dev1", "chain", "help"]), {
    code: 0,
    stdout: "dev1 chain help\n",
    stderr: "",
  });
});

test("an unknown device is reported in the agent's words, with the closest name", async () => {
  await using agent = await ScriptedAgent.start(bench);
  assert.deepEqual(await dutctl(["-s", agent.address, "dve1"]), {
    code: 122,
    stdout: "",
    stderr: '✗ device "dve1": no such device\n  did you mean "dev1"?\n',
  });
});

test("an unknown command is reported with the closest name", async () => {
  await using agent = await ScriptedAgent.start({
    ...bench,
    run: async function* () {
      yield* [];
      throw new ConnectError('device "dev1", command "statsu": no such command', Code.NotFound);
    },
  });
  assert.deepEqual(await dutctl(["-s", agent.address, "dev1", "statsu"]), {
    code: 122,
    stdout: "",
    stderr: '✗ device "dev1", command "statsu": no such command\n  did you mean "status"?\n',
  });
});

test("nothing is suggested when no name is close, nor to programs", async () => {
  await using agent = await ScriptedAgent.start(bench);
  const far = await dutctl(["-s", agent.address, "zebra"]);
  const json = await dutctl(["-s", agent.address, "-f", "oneline", "dve1"]);
  assert.deepEqual(
    [far.stderr, json.stderr.replace(/^[^,]*/, "")],
    ['✗ device "zebra": no such device\n', ',general,ERROR,"device ""dve1"": no such device"\n'],
  );
});

test("an address where nobody listens is reported", async () => {
  await using ports = new HeldPorts();
  const port = await ports.hold();
  const expected = {
    code: 121,
    stdout: "",
    stderr: `✗ cannot reach dutagent at 127.0.0.1:${port} (connect ECONNREFUSED 127.0.0.1:${port})\n`,
  };
  assert.deepEqual(await dutctl(["-s", `127.0.0.1:${port}`, "list"]), expected);
  assert.deepEqual(await dutctl(["-s", `127.0.0.1:${port}`, "dev1", "status"]), expected);
});

test("a wrong option ends with 2, its problem and the usage", async () => {
  const { code, stdout, stderr } = await dutctl(["-f", "xml", "list"]);
  const [problem, purpose] = stderr.split("\n");
  assert.deepEqual(
    [code, stdout, problem, purpose],
    [
      2,
      "",
      'invalid value "xml" for flag -f: must be text, json, jsonl, yaml or oneline',
      "dutctl controls devices under test through a dutagent or a dutserver.",
    ],
  );
});

test("positionals that mean nothing end with 2, the error and the synopsis", async () => {
  const { code, stdout, stderr } = await dutctl(["list", "x"]);
  const [problem, synopsis] = stderr.split("\n");
  assert.deepEqual(
    [code, stdout, problem, synopsis, stderr.includes("\nOPTIONS:\n")],
    [2, "", "✗ invalid command line: list takes no arguments", "SYNOPSIS:", true],
  );
});

test("on a terminal a wrong command line is told in a few lines, which stay on the screen", async () => {
  const told = async (...argv: string[]) => (await dutctl(argv, { terminal: ["stderr"] })).stderr;
  const pointer = "  dutctl help shows every form of a command line, dutctl help options every option\n";
  assert.deepEqual(
    [await told("-no-color", "list", "-l"), await told("-zz")],
    [
      `✗ invalid command line: list takes no arguments\n  options stand first: dutctl -l list\n${pointer}`,
      `flag provided but not defined: -zz\n${pointer}`,
    ],
  );
});

test("-h shows the usage on stderr and succeeds", async () => {
  const { code, stdout, stderr } = await dutctl(["-h"]);
  assert.deepEqual([code, stdout, stderr.includes("dutctl [options] <device> <command> help")], [0, "", true]);
});

test("version asks nobody", async () => {
  const { code, stdout, stderr } = await dutctl(["-s", "127.0.0.1:1", "version", "ignored"]);
  assert.match(
    stdout,
    /^DUT Control Client\nVersion: 1\.0\.0-alpha\.1\+\S+\nCode Revision \S+ from .+ built with node26\.10\.0\n\n$/,
  );
  assert.deepEqual([code, stderr], [0, ""]);
});

const drifts: readonly [version: string | null, warning: string][] = [
  ["1.0.0-alpha.1", ""],
  ["1.0.7", ""],
  ["1.1.0", "is older than dutagent 1.1.0 (minor version mismatch)"],
  [null, "differs from dutagent  (versions not comparable)"],
];

for (const [version, warning] of drifts) {
  test(`an agent of version ${version} ${warning === "" ? "gives no warning" : "gives a warning at the end"}`, async () => {
    await using agent = await ScriptedAgent.start(bench, version);
    const { code, stdout, stderr } = await dutctl(["-s", agent.address, "dev1"]);
    const expected = warning === "" ? "" : `⚠ 1 warning(s) during run:\n  - dutctl client VERSION ${warning}\n`;
    assert.deepEqual(
      [code, stdout, stderr.replace(/client \S+/, "client VERSION")],
      [0, "- chain\n- status\n", expected],
    );
  });
}

test("warnings stand before the error", async () => {
  await using agent = await ScriptedAgent.start({
    lock: () => {
      throw new ConnectError("held", Code.FailedPrecondition);
    },
  });
  assert.deepEqual(await dutctl(["-s", agent.address, "dev1", "lock", "9h"]), {
    code: 1,
    stdout: "",
    stderr:
      "⚠ 1 warning(s) during run:\n  - requested a long lock duration; release the device when you are done duration=9h0m0s\n✗ held\n",
  });
});

test("-log debug shows every record at once, and none nothing", async () => {
  await using agent = await ScriptedAgent.start(bench, "1.1.0");
  const debug = await dutctl(["-s", agent.address, "-log", "debug", "dev1"]);
  const none = await dutctl(["-s", agent.address, "-log", "none", "dev1"]);
  assert.deepEqual(
    [debug.stderr.replace(/client \S+/, "client VERSION"), none.stderr],
    [
      "INFO dutagent version: 1.1.0\nWARN dutctl client VERSION is older than dutagent 1.1.0 (minor version mismatch)\n",
      "",
    ],
  );
});

test("lock and unlock ask for the caller's own", async () => {
  const asked: unknown[] = [];
  await using agent = await ScriptedAgent.start({
    lock: ({ device, durationSeconds }, { requestHeader }) => {
      asked.push([device, durationSeconds, requestHeader.get("From")]);
      return { device, lock: { owner: "alice@desk", expiresAt: 1795171943n } };
    },
    unlock: ({ device, force }, { requestHeader }) => {
      asked.push([device, force, requestHeader.get("From")]);
      return {};
    },
  });
  const ended = [];
  for (const words of [["lock"], ["lock", "25m"], ["lock", "500ms"], ["unlock"], ["unlock", "force"]]) {
    ended.push((await dutctl(["-s", agent.address, "dev1", ...words])).stdout);
  }
  assert.deepEqual(asked, [
    ["dev1", 0n, "alice@desk"],
    ["dev1", 1500n, "alice@desk"],
    ["dev1", 1n, "alice@desk"],
    ["dev1", false, "alice@desk"],
    ["dev1", true, "alice@desk"],
  ]);
  const locked = '✓ Device "dev1" locked by "alice@desk" for 25m\n';
  const unlocked = '✓ Device "dev1" unlocked\n';
  assert.deepEqual(ended, [locked, locked, locked, unlocked, unlocked]);
});

test("a name in any script reaches the agent as UTF-8", async () => {
  const callers: unknown[] = [];
  await using agent = await ScriptedAgent.start({
    unlock: (_request, { requestHeader }) => {
      callers.push(callerOf(requestHeader.get(fromHeader)));
      return {};
    },
  });
  await dutctl(["-s", agent.address, "-u", "jörg@日本", "dev1", "unlock"]);
  assert.deepEqual(callers, [{ kind: "named", name: "jörg@日本" }]);
});

const durations: readonly [duration: string, message: string][] = [
  ["abc", '✗ invalid lock duration "abc": time: invalid duration "abc"\n'],
  ["0s", '✗ lock duration must be positive, got "0s"\n'],
  ["-1h", '✗ lock duration must be positive, got "-1h0m0s"\n'],
];

for (const [duration, message] of durations) {
  test(`a lock of ${duration} is refused before the agent is asked`, async () => {
    const { code, stderr } = await dutctl(["-s", "127.0.0.1:1", "dev1", "lock", duration]);
    assert.deepEqual([code, stderr.replace(/^ {2}.*\n/m, "")], [2, message]);
  });
}

test("an agent without locks is reported as such", async () => {
  await using agent = await ScriptedAgent.start(bench);
  assert.deepEqual(await dutctl(["-s", agent.address, "dev1", "lock"]), {
    code: 1,
    stdout: "",
    stderr: `✗ ${agent.address} does not know how to lock devices\n`,
  });
});

test("an interrupted call ends with 130", async () => {
  const stop = new AbortController();
  await using agent = await ScriptedAgent.start({
    list: (_request, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        stop.abort();
      }),
  });
  assert.deepEqual(await dutctl(["-s", agent.address, "list"], { signal: stop.signal }), {
    code: 130,
    stdout: "",
    stderr: "✗ interrupted\n",
  });
});

test("colours need a terminal, and no NO_COLOR", async () => {
  const terminal = ["stderr"] as const;
  const line = async (argv: string[], env = {}) =>
    (await dutctl([...argv, "list", "x"], { terminal, env })).stderr.split("\n")[0];
  const plain = "✗ invalid command line: list takes no arguments";
  assert.deepEqual(
    [await line([]), await line(["-no-color"]), await line([], { NO_COLOR: "1" }), await line([], { NO_COLOR: "" })],
    [`\x1b[31m${plain}\x1b[0m`, plain, plain, `\x1b[31m${plain}\x1b[0m`],
  );
});
