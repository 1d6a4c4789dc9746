import assert from "node:assert/strict";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import type { Processes } from "#pkg/host/processes.ts";
import { RemoteExit } from "#pkg/modules/remote-exit.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { askTool, askToolWell } from "./ask-tool.ts";
import { askToolInTime } from "./ask-tool-in-time.ts";
import { endedBadly } from "./ended-badly.ts";
import { findTool } from "./find-tool.ts";
import { runTool } from "./run-tool.ts";

const processes = nodeProcesses();

const sh = (script: string) => ({ program: "/bin/sh", args: ["-c", script] });

test("a tool that is missing is named with the Debian package that has it", async () => {
  await assert.rejects(
    findTool(processes, "no-such-tool", "no-such-package"),
    new DutError("failed_precondition", 'there is no program "no-such-tool" on the agent', {
      hint: "install the Debian package no-such-package on the agent",
    }),
  );
  await assert.rejects(findTool(processes, "no-such-tool", undefined), { hint: /install it, .*PATH of the agent/ });
  assert.match(await findTool(processes, "sh", "dash"), /^\/.*\/sh$/);
});

test("what a tool says is shown as it is said, and kept", async () => {
  const { call, transcript } = recordedCall([]);
  const heard: string[] = [];
  const { status, said } = await runTool(call, processes, "tool", sh("printf 'out\\nmore\\n'; exit 2"), (piece) => {
    heard.push(Buffer.from(piece).toString());
  });
  assert.deepEqual(
    { transcript, heard, status, said },
    {
      transcript: [{ stdout: "out\nmore\n" }],
      heard: ["out\nmore\n"],
      status: { kind: "exited", code: 2 },
      said: "out\nmore\n",
    },
  );
});

test("an answer is text, and a tool that ends badly is an error with its status and the last line that it said", async (t) => {
  const { signal } = t;
  assert.equal(await askToolWell(processes, "tool", { ...sh("echo answer; echo noise >&2"), signal }), "answer\n");
  await assert.rejects(
    askToolWell(processes, "tool", { ...sh("echo no; printf '50%%\\rfirst\\nlast\\n' >&2; exit 9"), signal }),
    new RemoteExit(9, "tool exited with code 9: last"),
  );
  assert.equal(endedBadly("tool", { kind: "killed", signal: "SIGKILL" }, "").message, "tool was ended by SIGKILL");
});

test("of a line that a tool does not end the beginning is in the error", async (t) => {
  const answer = askToolWell(processes, "tool", { ...sh("printf %1000000s | tr ' ' x >&2; exit 9"), signal: t.signal });
  await assert.rejects(answer, new RemoteExit(9, `tool exited with code 9: ${"x".repeat(300)}…`));
});

test("a tool that hangs and ignores SIGTERM is given up when its time is over, and gone", async (t) => {
  const pids: number[] = [];
  const watched: Processes = {
    ...processes,
    async start(options) {
      const child = await processes.start(options);
      pids.push(child.pid);
      return child;
    },
  };
  const deaf = { ...sh("trap '' TERM; while :; do sleep 1; done"), signal: t.signal, graceMs: 100 };
  await assert.rejects(askToolInTime(watched, "tool", deaf, 500), {
    code: "deadline_exceeded",
    message: "tool did not answer within 500ms",
    hint: "look at what is connected to the agent, and at its kernel log",
  });
  const [pid] = pids as [number];
  assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
});

test("of a tool that has gone mad 256 KiB are kept", async (t) => {
  const { stdout } = await askTool(processes, "tool", { ...sh("yes | head -c 50000000; echo end"), signal: t.signal });
  assert.deepEqual([stdout.length, stdout.endsWith("y\nend\n")], [256 * 1024, true]);
});

test("an answer that is waited for no longer ends the tool, also one that ignores SIGTERM", async () => {
  const ending = new AbortController();
  const asked = askTool(processes, "tool", {
    ...sh("trap '' TERM; kill -USR1 $PPID; while :; do sleep 1; done"),
    signal: ending.signal,
    graceMs: 100,
  });
  process.once("SIGUSR1", () => ending.abort(new Error("enough")));
  await assert.rejects(asked, new Error("enough"));
});
