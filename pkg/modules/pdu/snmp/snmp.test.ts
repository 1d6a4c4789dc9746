import assert from "node:assert/strict";
import { chmod, mkdtempDisposable, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Host } from "#pkg/host/host.ts";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import type { ProcessOptions } from "#pkg/host/processes.ts";
import { memoryHost } from "#test/support/memory-host.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { noSnmpd, snmpAgent } from "#test/support/snmp-agent.ts";
import { pdu } from "../pdu.ts";

const processes = nodeProcesses();
const parts = { processes, files: nodeFiles() };

const temporary = await mkdtempDisposable(join(tmpdir(), "snmp-test-"));
after(() => temporary.remove());
process.env.TMPDIR = temporary.path;

/** The folders with secrets that are there. */
const folders = async () => (await readdir(temporary.path)).filter((name) => name.startsWith("dutagent-snmp-"));

/** What the user reads, then code and message of the error if there is one. */
async function run(args: readonly string[], options: object, host: Partial<Host> = parts, signal?: AbortSignal) {
  const { call, transcript } = recordedCall(args, signal === undefined ? {} : { signal });
  const error = await runModule(pdu, { vendor: "snmp", ...options }, call, host).then(
    () => [],
    (thrown) => [thrown.code === undefined ? thrown : `${thrown.code}: ${thrown.message}`],
  );
  return [...transcript.map((said) => ("print" in said ? said.print : said)), ...error];
}

const apc = { community: "private", preset: "apc-rpdu" };
const user = { user: "lab", password: "lab password" };
const v3 = { version: "3", auth: "SHA-256", privpassword: 'lab "secret"\\' };

for (const [unit, snmp, credentials] of [
  ["an APC rPDU by version 1", { ...apc, version: "1" }, {}],
  ["an APC rPDU by version 2c", apc, {}],
  ["an APC rPDU2 by version 3 with encryption", { ...v3, preset: "apc-rpdu2" }, user],
  [
    "any unit by OIDs and values",
    {
      ...v3,
      writeoid: ".1.3.6.1.4.1.318.1.1.26.9.2.4.1.5.2",
      writeon: 1,
      writeoff: 2,
      readoid: "1.3.6.1.4.1.318.1.1.26.9.2.3.1.5.2",
      readon: 2,
      readoff: 1,
    },
    user,
  ],
] as const) {
  test(`${unit} is switched, power cycled and asked`, { skip: noSnmpd }, async () => {
    await using agent = await snmpAgent();
    const options = { host: agent.url, outlet: 1, snmp, ...credentials };
    assert.deepEqual(
      [
        await run(["on"], options),
        await agent.levels(),
        await run(["status"], options),
        await run(["cycle", "0s"], options),
        await run(["toggle"], options),
        await run(["status"], options),
        await agent.levels(),
      ],
      [
        ["PDU outlet 1 powered on\n"],
        ["off", "on", "off"],
        ["PDU outlet 1 state: on\n"],
        ["PDU outlet 1 powered off\n", "PDU outlet 1 powered on\n"],
        ["PDU outlet 1 powered off\n"],
        ["PDU outlet 1 state: off\n"],
        ["off", "off", "off"],
      ],
    );
  });
}

test("what the unit refuses is named, and nothing is switched", { skip: noSnmpd }, async () => {
  await using agent = await snmpAgent();
  const address = agent.url.replace("snmp://", "udp:");
  const options = { host: agent.url };
  const readOnly = "the variable be written";
  assert.deepEqual(
    [
      await run(["on"], { ...options, snmp: { ...apc, community: "public" } }),
      await run(["on"], { ...options, timeout: "300ms", snmp: { ...apc, community: "wrong" } }),
      await run(["status"], { ...options, outlet: 7, snmp: apc }),
      await run(["on"], { ...options, user: "lab", password: "wrong password", snmp: { ...v3, preset: "apc-rpdu" } }),
      await run(["on"], { ...options, user: "nobody", password: "lab password", snmp: { ...v3, preset: "apc-rpdu" } }),
      await agent.levels(),
    ],
    [
      [`permission_denied: ${address} does not let ${readOnly}: Reason: noAccess`],
      [`deadline_exceeded: ${address} does not answer SNMP`],
      ["not_found: the unit has no variable 1.3.6.1.4.1.318.1.1.12.3.3.1.1.4.8"],
      [
        `unauthenticated: ${address} refuses the SNMP credentials: snmpset: Authentication failure (incorrect password, community or key)`,
      ],
      [`unauthenticated: ${address} refuses the SNMP credentials: snmpset: Unknown user name`],
      ["off", "off", "off"],
    ],
  );
});

test("secrets are neither in arguments nor in the environment, and no file is left", { skip: noSnmpd }, async () => {
  await using agent = await snmpAgent();
  const started: ProcessOptions[] = [];
  const watched: Partial<Host> = {
    ...parts,
    processes: {
      ...processes,
      start: async (options) => {
        started.push(options);
        return await processes.start(options);
      },
    },
  };
  await run(["on"], { host: agent.url, snmp: apc }, watched);
  const told = JSON.stringify(started.map(({ program, args, env }) => [program, args, env]));
  assert.deepEqual(
    { programs: started.length, secret: /private/.test(told), left: await folders() },
    { programs: 2, secret: false, left: [] },
  );
});

/** A host whose snmpget and snmpset are a script of the test's. */
async function fakeTools(script: string) {
  await using acquired = new AsyncDisposableStack();
  const folder = acquired.use(await mkdtempDisposable(join(tmpdir(), "snmp-tools-")));
  const path = join(folder.path, "tool");
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  const release = acquired.move();
  return {
    host: { ...parts, processes: { ...processes, find: async () => path } },
    folder: folder.path,
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

test("tools that are missing are named when the module opens, with their package", async () => {
  const host = memoryHost({ processes: { ...processes, find: async () => undefined } });
  const { call } = recordedCall(["on"]);
  await assert.rejects(runModule(pdu, { vendor: "snmp", host: "snmp://10.0.0.5", snmp: apc }, call, host), {
    message: 'there is no program "snmpget" on the agent',
    hint: "install the Debian package snmp on the agent",
  });
});

test("a tool that says no state is an error", async () => {
  await using tools = await fakeTools("echo 7");
  assert.deepEqual(await run(["status"], { host: "snmp://10.0.0.5", snmp: apc }, tools.host), [
    'data_loss: unexpected value "7" of the variable 1.3.6.1.4.1.318.1.1.12.3.3.1.1.4.1',
  ]);
});

test("a tool that hangs and ignores SIGTERM ends with the run, and its secrets are removed", async () => {
  await using tools = await fakeTools("trap '' TERM; kill -USR1 $PPID; while :; do sleep 1; done");
  const ending = new AbortController();
  const reason = new Error("the run is over");
  process.once("SIGUSR1", () => ending.abort(reason));
  const options = { host: "snmp://10.0.0.5", snmp: apc };
  assert.deepEqual(await run(["status"], options, tools.host, ending.signal), [reason]);
  assert.deepEqual(await folders(), []);
});
