import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryProcesses } from "#test/support/memory-processes.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { agentStatus } from "./agent-status.ts";

test("the system is printed with a newline more, whatever the arguments", async () => {
  const { processes, started } = memoryProcesses({ uname: () => ({ stdout: "Linux bench 6.1.0 aarch64\n" }) });
  const { call, transcript } = recordedCall(["ignored"]);
  await runModule(agentStatus, {}, call, { processes });
  assert.deepEqual([started, transcript], [[["uname", "-a"]], [{ print: "Linux bench 6.1.0 aarch64\n\n" }]]);
});

test("a uname that fails or is missing is named", async () => {
  const failing = memoryProcesses({ uname: () => ({ stderr: "no\n", status: { kind: "exited", code: 2 } }) });
  const killed = memoryProcesses({ uname: () => ({ status: { kind: "killed", signal: "SIGBUS" } }) });
  const missing = memoryProcesses({});
  const why = ({ processes }: typeof missing) =>
    runModule(agentStatus, {}, recordedCall([]).call, { processes }).catch((error: Error) => error.message);
  assert.deepEqual(await Promise.all([failing, killed, missing].map(why)), [
    "failed to run uname: exit status 2: no",
    "failed to run uname: ended by SIGBUS",
    'there is no program "uname" on the agent',
  ]);
});
