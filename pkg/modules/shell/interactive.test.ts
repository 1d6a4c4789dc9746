import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { type RecordedCall, recordedCall, type Utterance } from "#test/support/recorded-call.ts";
import { openRollCall } from "#test/support/roll-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { shell } from "./shell.ts";

const processes = nodeProcesses();
const onLinux = {
  skip: process.platform === "linux" ? false : "needs pseudo terminals as Linux has them",
};
const terminal = { type: "xterm", size: { rows: 24, columns: 80 } };

type Given = Parameters<typeof recordedCall>[1];

/** What an interactive run showed, joined, and how it ended. */
async function ran(args: readonly string[], given: Given, options: object = {}) {
  const { call, transcript } = recordedCall(args, given);
  const error = await runModule(shell, { interactive: true, ...options }, call, { processes }).then(
    () => undefined,
    (failure: Error) => failure.message,
  );
  return { shown: shownIn(transcript), raw: transcript.filter((utterance) => "rawMode" in utterance), error };
}

function shownIn(transcript: readonly Utterance[]): string {
  return transcript.map((utterance) => ("stdout" in utterance ? utterance.stdout : "")).join("");
}

/** A run whose user answers what is on the screen; it ends with a test that takes too long. */
async function conversation(
  args: readonly string[],
  answers: readonly (readonly [seen: string, keys: string])[],
  testSignal: AbortSignal,
) {
  const seen = new TransformStream<string, string>(undefined, undefined, { highWaterMark: 1000 });
  const screen = seen.writable.getWriter();
  const late: { user?: RecordedCall } = {};
  const recorded = recordedCall(args, {
    terminal,
    signal: testSignal,
    stdin: (async function* () {
      const pieces = seen.readable[Symbol.asyncIterator]();
      let shown = "";
      for (const [awaited, keys] of answers) {
        while (!shown.includes(awaited)) {
          shown += (await pieces.next()).value;
        }
        shown = shown.slice(shown.indexOf(awaited) + awaited.length);
        if (keys.startsWith("resize")) {
          const [rows = 0, columns = 0] = keys.split(" ").slice(1).map(Number);
          late.user?.resize({ rows, columns });
        } else if (keys.startsWith("SIG")) {
          late.user?.sendSignal(keys as NodeJS.Signals);
        } else {
          yield keys;
        }
      }
    })(),
  });
  late.user = recorded;
  const { call, transcript } = recorded;
  const stdout = async (bytes: Uint8Array) => {
    await call.session.stdout(bytes);
    void screen.write(String(bytes));
  };
  const session = { ...call.session, stdout };
  const error = await runModule(shell, { interactive: true }, { ...call, session }, { processes }).then(
    () => undefined,
    (failure: Error) => failure.message,
  );
  return { shown: shownIn(transcript), raw: transcript.filter((utterance) => "rawMode" in utterance), error };
}

const inAndOut = [{ rawMode: true }, { rawMode: false }];

test(
  "a user with a terminal gets a login shell on one, with Ctrl-C for its jobs and Ctrl-D to leave",
  onLinux,
  async (t) => {
    const { shown, raw, error } = await conversation(
      [],
      [
        ["", "stty -echo; PS1='rea''dy> '\r"],
        ["ready> ", "tty >/dev/null && echo on a terminal of $(stty size) called $TERM\r"],
        ["on a terminal of 24 80 called xterm\r\nready> ", "cat\rrunning\r"],
        ["running\r\n", "\x03"],
        ["ready> ", "echo status $?\r"],
        ["status 130\r\nready> ", "\x04"],
      ],
      t.signal,
    );
    assert.deepEqual(
      { last: shown.slice(shown.lastIndexOf("status 130")).trimEnd(), raw, error },
      { last: "status 130\r\nready>", raw: inAndOut, error: undefined },
    );
  },
);

test("a command on the user's terminal is told its new size and the user's signals", onLinux, async (t) => {
  const traps = "trap 'stty size' WINCH; trap 'echo asked; exit 7' CONT";
  const run = await conversation(
    [`${traps}; echo ready; while :; do sleep 0.01; done`],
    [
      ["ready\r\n", "resize 50 132"],
      ["50 132\r\n", "SIGCONT"],
    ],
    t.signal,
  );
  assert.deepEqual(run, {
    shown: "ready\r\n50 132\r\nasked\r\n",
    raw: inAndOut,
    error: "shell command exited with code 7",
  });
});

test("without a terminal the command reads what is piped in, to its end", async () => {
  assert.deepEqual(await ran(["cat; echo over"], { stdin: ["one\n", "no line feed"] }), {
    shown: "one\nno line feedover\n",
    raw: [],
    error: undefined,
  });
});

test("without a terminal and without a command the shell reads its commands from what is piped in", async () => {
  assert.deepEqual(await ran([], { stdin: ["echo one\n", "exit 4\n", "echo two\n"] }), {
    shown: "one\n",
    raw: [],
    error: "shell command exited with code 4",
  });
});

test("a command that is not interactive has an empty stdin, whatever the user types", async () => {
  assert.deepEqual(await ran(["cat"], { stdin: ["typed\n"] }, { interactive: false }), {
    shown: "",
    raw: [],
    error: undefined,
  });
});

test("the user's terminal is given back when the run is cancelled, and what ran on it is gone", onLinux, async () => {
  await using roll = await openRollCall();
  const ending = new AbortController();
  const { call, transcript } = recordedCall([roll.attend("command")], {
    terminal,
    signal: ending.signal,
    stdin: (async function* () {
      await once(ending.signal);
      yield "";
    })(),
  });
  const run = runModule(shell, { interactive: true }, call, { processes });
  await roll.came("command");
  ending.abort(new Error("client gone"));
  await assert.rejects(run, new Error("client gone"));
  await roll.gone("command");
  assert.deepEqual(transcript, inAndOut);
});

test("an interactive shell that is quiet is refused, and the help says what a terminal is for", () => {
  assert.throws(() => shell.configure({ interactive: true, quiet: true }), /an interactive shell cannot be quiet/);
  assert.match(shell.configure({ interactive: true }).help, /^\[<command-string>\] .*\n\n.*\nIt has your terminal; /);
});

async function once(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve());
  await promise;
}
