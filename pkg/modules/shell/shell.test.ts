import assert from "node:assert/strict";
import { mkdtempDisposable, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import type { LogFields } from "#pkg/log/log.ts";
import { silentLog } from "#pkg/log/log.ts";
import { RemoteExit } from "#pkg/modules/remote-exit.ts";
import { recordedCall, type Utterance } from "#test/support/recorded-call.ts";
import { openRollCall } from "#test/support/roll-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { shell } from "./shell.ts";

const processes = nodeProcesses();

/** What a shell command said and how it ended. */
async function ran(command: string, options: unknown = {}) {
  const { call, transcript } = recordedCall([command]);
  const error = await runModule(shell, options, call, { processes }).then(() => undefined, messageOf);
  return { transcript, error };
}

const messageOf = (error: Error) => error.message;

test("both outputs arrive as what they are, bytes unchanged", async () => {
  assert.deepEqual(await ran("printf 'no newline'"), { transcript: [{ stdout: "no newline" }], error: undefined });
  assert.deepEqual(await ran("echo grün >&2"), { transcript: [{ stderr: "grün\n" }], error: undefined });
});

test("output is shown as it is produced", async () => {
  const { call, transcript } = recordedCall(["echo first; sleep 600"]);
  const ending = new AbortController();
  const stdout = async (bytes: Uint8Array) => {
    await call.session.stdout(bytes);
    ending.abort(new Error("seen"));
  };
  const seen = {
    ...call,
    args: ["echo first; sleep 600"],
    signal: ending.signal,
    session: { ...call.session, stdout },
  };
  await assert.rejects(runModule(shell, {}, seen, { processes }), new Error("seen"));
  assert.deepEqual(transcript, [{ stdout: "first\n" }]);
});

test("a command that fails is an error, after all that it said", async () => {
  assert.deepEqual(await ran("echo partial; exit 3"), {
    transcript: [{ stdout: "partial\n" }],
    error: "shell command exited with code 3",
  });
  assert.deepEqual(await ran("kill -SEGV $$"), {
    transcript: [],
    error: "shell command exited with code -1 (SIGSEGV)",
  });
});

test("the status of a command is its run's", async () => {
  const statuses = await Promise.all(
    [1, 42, 255].map((status) =>
      runModule(shell, {}, recordedCall([`exit ${status}`]).call, { processes }).catch((error: RemoteExit) => [
        error instanceof RemoteExit,
        error.status,
        error.code,
        error.message,
      ]),
    ),
  );
  assert.deepEqual(
    statuses,
    [1, 42, 255].map((status) => [true, status, "aborted", `shell command exited with code ${status}`]),
  );
});

test("signals that the user sends reach the whole group", async () => {
  const { call, transcript, sendSignal } = recordedCall(["trap 'echo told; exit 0' USR1; echo ready; sleep 60 & wait"]);
  const stdout = async (bytes: Uint8Array) => {
    await call.session.stdout(bytes);
    if (String(bytes) === "ready\n") {
      sendSignal("SIGUSR1");
    }
  };
  await runModule(shell, {}, { ...call, session: { ...call.session, stdout } }, { processes });
  assert.deepEqual(transcript, [{ stdout: "ready\n" }, { stdout: "told\n" }]);
});

test("exactly one command string is taken", async () => {
  const error = (args: string[]) =>
    runModule(shell, {}, recordedCall(args).call, { processes }).then(() => "", messageOf);
  assert.deepEqual(
    [await error([]), await error(["echo", "two"]), await error([""])],
    [
      "missing command-string",
      "too many arguments - if the command-string contains spaces or special characters, quote it",
      "",
    ],
  );
});

test("output without end costs no memory and is held up by who does not take it", async (t) => {
  const megabytes = 1024;
  const { call } = recordedCall([`head -c ${megabytes}M /dev/zero`]);
  let bytes = 0;
  let most = 0;
  const before = process.memoryUsage().rss;
  const stdout = async (piece: Uint8Array) => {
    bytes += piece.length;
    most = Math.max(most, process.memoryUsage.rss() - before);
  };
  await runModule(shell, {}, { ...call, session: { ...call.session, stdout } }, { processes });
  t.diagnostic(`${(most / 1e6).toFixed(0)} MB`);
  assert.deepEqual({ bytes, bounded: most < 250e6 }, { bytes: megabytes * 1024 * 1024, bounded: true });
});

test("a quiet command that succeeds shows nothing", async () => {
  assert.deepEqual(await ran("echo out; echo err >&2", { quiet: true }), { transcript: [], error: undefined });
});

test("a quiet command that fails shows its stderr", async () => {
  assert.deepEqual(await ran("echo out; echo err >&2; exit 1", { quiet: true }), {
    transcript: [{ stderr: "err\n" }],
    error: "shell command exited with code 1",
  });
});

test("a quiet command that fails with much to say shows the end of it and says so", async () => {
  const { transcript } = await ran("head -c 100000 /dev/zero | tr '\\0' x >&2; echo end >&2; exit 1", { quiet: true });
  assert.deepEqual(transcript, [
    { stderr: "[34468 bytes of stderr left out, these are the last 65536]\n" },
    { stderr: `${"x".repeat(65532)}end\n` },
  ] satisfies Utterance[]);
});

test("cancel ends the whole group, with the reason of the run's end", async () => {
  await using roll = await openRollCall();
  const ending = new AbortController();
  const { call, transcript } = recordedCall([`${roll.attend("member")} & ${roll.attend("other")}; true`], {
    signal: ending.signal,
  });
  const reason = new Error("client gone");
  const run = runModule(shell, {}, call, { processes });
  await Promise.all([roll.came("member"), roll.came("other")]);
  ending.abort(reason);
  await assert.rejects(run, reason);
  await Promise.all([roll.gone("member"), roll.gone("other")]);
  assert.deepEqual(transcript, []);
});

test("a command that is cancelled may write while it cleans up, though nobody hears it", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "shell-"));
  const cleaned = join(folder.path, "cleaned");
  const ending = new AbortController();
  const cleanUp = `head -c 1000000 /dev/zero && touch ${cleaned}; exit`;
  const { call, transcript } = recordedCall([`trap '${cleanUp}' TERM; echo ready; sleep 60 & wait`], {
    signal: ending.signal,
  });
  const stdout = async (bytes: Uint8Array) => {
    ending.signal.throwIfAborted();
    await call.session.stdout(bytes);
    ending.abort(new Error("over"));
  };
  await assert.rejects(
    runModule(shell, {}, { ...call, session: { ...call.session, stdout } }, { processes }),
    new Error("over"),
  );
  assert.deepEqual([await readdir(folder.path), transcript], [["cleaned"], [{ stdout: "ready\n" }]]);
});

test("a session that fails ends the command", async () => {
  await using roll = await openRollCall();
  const { call } = recordedCall([`echo; exec ${roll.attend("command")}`]);
  const stdout = async () => {
    await roll.came("command");
    throw new Error("stream broken");
  };
  await assert.rejects(
    runModule(shell, {}, { ...call, session: { ...call.session, stdout } }, { processes }),
    new Error("stream broken"),
  );
  await roll.gone("command");
});

test("a shell that is not there is named when the module opens", async () => {
  await assert.rejects(runModule(shell, { path: "/bin/no-such-shell" }, recordedCall(["true"]).call, { processes }), {
    code: "not_found",
    message: 'there is no program "/bin/no-such-shell" on the agent to run shell commands with',
    hint: "set the option path to a shell of the agent, such as /bin/sh",
  });
});

test("another shell is taken, by name too", async () => {
  assert.deepEqual(await ran('[ "$BASH" ] && echo bash', { path: "bash" }), {
    transcript: [{ stdout: "bash\n" }],
    error: undefined,
  });
});

test("the command string is logged for those who debug only", async () => {
  const lines: [string, string, LogFields | undefined][] = [];
  const kept = (level: string) => (message: string, fields?: LogFields) => lines.push([level, message, fields]);
  const log = { ...silentLog, error: kept("error"), warn: kept("warn"), info: kept("info"), debug: kept("debug") };
  await runModule(shell, {}, { ...recordedCall(["true"]).call, log }, { processes });
  assert.deepEqual(lines, [["debug", "run shell command", { path: "/bin/sh", command: "true" }]]);
});

test("the help names the shell and what is shown", () => {
  assert.equal(
    shell.configure({ path: "/bin/bash", quiet: true }).help,
    `<command-string>    runs /bin/bash -c <command-string> on the agent

The command string is one argument: quote it if it holds blanks or special characters.
Its stdin is empty, its environment and working directory are the agent's.
Nothing is shown unless it fails; then its stderr is.`,
  );
});
