import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { DutError } from "#pkg/errors/dut-error.ts";
import { CommandFailed, RunLost, TakenOver } from "./commands/run/endings.ts";
import { exitCodeOf, exits } from "./exit-codes.ts";
import { topicText } from "./help/topics.ts";
import { LeftConsole } from "./terminal/left-console.ts";
import { dutctl } from "./test/recorded-world.ts";
import { ScriptedAgent } from "./test/scripted-agent.ts";

const held = 'device "dev \\"1\\"" is locked by "alice@h" for 25m';

const errors: readonly (readonly [error: DutError, code: number])[] = [
  [new DutError("invalid_argument", "x"), 2],
  [new DutError("unavailable", "x"), 121],
  [new DutError("not_found", "x"), 122],
  [new DutError("failed_precondition", held), 123],
  [new DutError("failed_precondition", "device is not locked"), 1],
  [new DutError("internal", held), 1],
  [new DutError("deadline_exceeded", "x"), 124],
  [new RunLost("h:1", "cut", undefined), 125],
  [new TakenOver(new DutError("aborted", 'another client has taken over run "1"'), { device: "d", runId: "1" }), 125],
  [new DutError("permission_denied", "x"), 126],
  [new DutError("unauthenticated", "x"), 126],
  [new DutError("canceled", "x"), 1],
  [new LeftConsole(), 130],
  [new CommandFailed("unknown", "x", { exitStatus: 1 }), 1],
  [new CommandFailed("unknown", "x", { exitStatus: 7 }), 7],
  [new CommandFailed("unknown", "x", { exitStatus: 119 }), 119],
  [new CommandFailed("unknown", "x", { exitStatus: 120 }), 1],
  [new CommandFailed("unknown", "x", { exitStatus: 0 }), 1],
  [new CommandFailed("not_found", "x", { exitStatus: undefined }), 1],
  [new CommandFailed("unavailable", "x", { exitStatus: undefined }), 1],
  [new CommandFailed("invalid_argument", "x", { exitStatus: undefined }), 2],
  [new CommandFailed("permission_denied", "x", { exitStatus: undefined }), 126],
];

for (const [error, code] of errors) {
  const status = error instanceof CommandFailed ? ` of a command with status ${error.exitStatus}` : "";
  test(`${error.name} ${error.code}${status}, ${error.message}, ends with ${code}`, () => {
    assert.equal(exitCodeOf(error), code);
  });
}

const answers: readonly (readonly [code: Code, message: string, exit: number])[] = [
  [Code.FailedPrecondition, 'device "dev1" is locked by "bob@h"', 123],
  [Code.PermissionDenied, "not yours", 126],
  [Code.InvalidArgument, "no such argument", 2],
  [Code.NotFound, "no such device", 122],
  [Code.Internal, "broken", 1],
  [Code.Unavailable, "the agent of dev1 is away", 121],
];

for (const [code, message, exit] of answers) {
  test(`an agent that answers ${Code[code]} ends the program with ${exit}`, async () => {
    await using agent = await ScriptedAgent.start({
      lock: () => {
        throw new ConnectError(message, code);
      },
    });
    const { code: ended, stderr } = await dutctl(["-s", agent.address, "dev1", "lock"]);
    assert.deepEqual([ended, stderr.split("\n")[0]], [exit, `✗ ${message}`]);
  });
}

test("-timeout ends with 124 and says after what time", async () => {
  await using agent = await ScriptedAgent.start({ list: () => new Promise(() => {}) });
  assert.deepEqual(await dutctl(["-s", agent.address, "-timeout", "50ms", "list"]), {
    code: 124,
    stdout: "",
    stderr: "✗ timed out after 50ms\n",
  });
});

test("the README and dutctl help exit-codes list every code with its meaning", async () => {
  const readme = await readFile(join(import.meta.dirname, "README.md"), "utf8");
  const rows = [...readme.matchAll(/^\| (\d+) \| (.*) \|$/gm)].map(([, code, when]) => [Number(code), when]);
  const help = (topicText("exit-codes") ?? "").replace(/\s+/g, " ");
  const listed = Object.values(exits).map(({ code, when }) => [code, when]);
  assert.deepEqual(rows, listed);
  assert.deepEqual(
    listed.filter(([code, when]) => !help.includes(`${code} ${when}`)),
    [],
  );
});
