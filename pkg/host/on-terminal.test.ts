import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openRollCall } from "#test/support/roll-call.ts";
import { nodeProcesses } from "./node-processes.ts";
import type { TerminalProcess, TerminalProcessOptions } from "./processes.ts";

const options = {
  skip: process.platform === "linux" ? false : "needs pseudo terminals as Linux has them",
  timeout: 30_000,
};
const processes = nodeProcesses();
const terminal = { type: "xterm-256color", size: { rows: 33, columns: 99 } };

/** A terminal whose keys the test types one after another. */
function keyboard() {
  const stream = new TransformStream<string, string>(undefined, undefined, { highWaterMark: 100 });
  const writer = stream.writable.getWriter();
  return {
    // A program may end before it has read all keys; then its reader stops.
    type: (keys: string) => void writer.write(keys).catch(() => {}),
    endOfInput: () => void writer.close(),
    keys: (async function* () {
      for await (const keys of stream.readable) {
        yield Buffer.from(keys);
      }
    })(),
  };
}

async function start(t: TestContext, args: readonly string[], given: Partial<TerminalProcessOptions> = {}) {
  const { type, endOfInput, keys } = keyboard();
  const program = await processes.startOnTerminal({
    program: "/bin/sh",
    args,
    stdin: keys,
    terminal,
    signal: t.signal,
    ...given,
  });
  t.after(() => program[Symbol.asyncDispose]());
  return { program, type, endOfInput, screen: screenOf(program) };
}

/** Reads until something is on the screen, or to the end. */
function screenOf(program: TerminalProcess) {
  const pieces = program.stdout[Symbol.asyncIterator]();
  let shown = "";
  return {
    async until(text: string): Promise<string> {
      while (!shown.includes(text)) {
        const piece = await pieces.next();
        assert.ok(piece.done !== true, `the program ended without ${JSON.stringify(text)}: ${shown}`);
        shown += Buffer.from(piece.value).toString();
      }
      const end = shown.indexOf(text) + text.length;
      const seen = shown.slice(0, end);
      shown = shown.slice(end);
      return seen;
    },
    async rest(): Promise<string> {
      for (let piece = await pieces.next(); piece.done !== true; piece = await pieces.next()) {
        shown += Buffer.from(piece.value).toString();
      }
      return shown;
    },
  };
}

test("a program has a controlling terminal of the type and size that were asked for", options, async (t) => {
  const { screen, program } = await start(t, [
    "-c",
    'echo "$TERM"; stty size; (echo to the terminal >/dev/tty); exit 3',
  ]);
  assert.deepEqual(
    [await screen.rest(), await program.exited],
    ["xterm-256color\r\n33 99\r\nto the terminal\r\n", { kind: "exited", code: 3 }],
  );
});

test("a terminal echoes, edits lines and turns keys into signals, until the end of input", options, async (t) => {
  const { screen, program, type, endOfInput } = await start(t, [], { env: { PS1: "$ " } });
  await screen.until("$ ");
  type("catx\x7f\r");
  await screen.until("catx\b \b\r\n");
  type("running\r");
  await screen.until("running\r\nrunning\r\n");
  type("\x03");
  // The kernel sends the signal before it echoes the key, so that the prompt may be the first of the two to be shown.
  await screen.until("\r\n$ ");
  type("echo $?\r");
  await screen.until("130\r\n$ ");
  endOfInput();
  assert.deepEqual([await screen.rest(), await program.exited], ["\r\n", { kind: "exited", code: 0 }]);
});

test("the end of input in the middle of a line hands the line over and ends it", options, async (t) => {
  const { screen, type, endOfInput } = await start(t, ["-c", "stty -echo; echo ready; cat; echo over"]);
  await screen.until("ready\r\n");
  type("no line feed");
  endOfInput();
  assert.equal(await screen.rest(), "no line feedover\r\n");
});

test("a new size is told to the program in the foreground", options, async (t) => {
  const { screen, program } = await start(t, [
    "-c",
    "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done",
  ]);
  await screen.until("ready\r\n");
  await program.resize({ rows: 40, columns: 132 });
  assert.equal(await screen.rest(), "40 132\r\n");
  await program.resize({ rows: 1, columns: 1 });
});

test("a signal goes to the job in the foreground, not to the shell that waits for it", options, async (t) => {
  const { screen, program, type } = await start(t, ["-i"], { env: { PS1: "$ " } });
  await screen.until("$ ");
  type('sh -c "trap \'echo job; exit 5\' USR1; echo ready; while :; do sleep 0.01; done"; echo "status $?"\r');
  await screen.until("\nready\r\n");
  program.kill("SIGUSR1");
  await screen.until("job\r\nstatus 5\r\n$ ");
});

test("a cancelled program is hung up, and what holds on is killed after the grace, daemons too", options, async (t) => {
  await using roll = await openRollCall();
  const cancel = new AbortController();
  const jobs = `${roll.attend("job")} & setsid ${roll.attend("daemon", "deaf")} &`;
  const { screen, program } = await start(t, ["-c", `${jobs} echo ready; exec ${roll.attend("deaf", "deaf")}`], {
    signal: cancel.signal,
    graceMs: 50,
  });
  await Promise.all([screen.until("ready\r\n"), roll.came("job"), roll.came("daemon"), roll.came("deaf")]);
  void screen.rest();
  cancel.abort();
  assert.deepEqual(await program.exited, { kind: "killed", signal: "SIGKILL" });
  await Promise.all([roll.gone("job"), roll.gone("daemon"), roll.gone("deaf")]);
});

test("what a program leaves in the background ends with its terminal", options, async (t) => {
  await using roll = await openRollCall();
  const { screen, program } = await start(t, ["-c", `${roll.attend("left")} & echo ready; read nothing`]);
  await Promise.all([screen.until("ready\r\n"), roll.came("left")]);
  await program[Symbol.asyncDispose]();
  await roll.gone("left");
});

test("much output arrives whole, and keys that nobody reads hold up nothing else", options, async (t) => {
  const { screen, program, type } = await start(t, ["-c", "stty raw -echo; head -c 3000000 /dev/zero | tr '\\0' x"]);
  for (let kilobytes = 0; kilobytes < 200; kilobytes += 1) {
    type("k".repeat(1024));
  }
  const shown = await screen.rest();
  assert.deepEqual(
    [shown.replaceAll("k", "").replaceAll("\b", "").length, await program.exited],
    [3_000_000, { kind: "exited", code: 0 }],
  );
});

test("what a program says last is not lost with its terminal", options, async (t) => {
  const said = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const { screen } = await start(t, ["-c", "seq 1 2000; echo last"]);
      return (await screen.rest()).slice(-12);
    }),
  );
  assert.deepEqual(
    said,
    Array.from({ length: 50 }, () => "2000\r\nlast\r\n"),
  );
});

test("a program that is not there is refused, and nothing starts for a run that is over", options, async (t) => {
  await assert.rejects(start(t, [], { program: "no-such-program" }), {
    code: "not_found",
    message: "start no-such-program: no such program",
  });
  await assert.rejects(start(t, [], { signal: AbortSignal.abort(new Error("over")) }), new Error("over"));
});
