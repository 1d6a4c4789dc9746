import assert from "node:assert/strict";
import { chmod, mkdir, mkdtempDisposable, realpath, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { RemoteExit } from "#pkg/modules/remote-exit.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { openRollCall } from "#test/support/roll-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { script } from "./script.ts";

const host = { processes: nodeProcesses(), files: nodeFiles() };

/** A script in a directory of its own, which goes with the test. */
async function written(t: TestContext, text: string, mode = 0o755): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), "script-"));
  t.after(() => directory.remove());
  const path = join(directory.path, "board.sh");
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

async function ran(options: object, args: readonly string[], given: Parameters<typeof recordedCall>[1] = {}) {
  const { call, transcript } = recordedCall(args, given);
  const error = await runModule(script, options, call, host).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { transcript, error };
}

const showArguments = "#!/bin/sh\nprintf '<%s>' \"$@\"\n";

/** What a shell, an interpreter or a careless program would make something else of. */
const hostile = ["-c", "--", "-x", "--version", "a b", "$(id)", "`id`", "; id", "'", '"', "\n", "", "*", "\\", "é"];

test("the script gets what the user typed, one for one, by its own first line and by an interpreter", async (t) => {
  const path = await written(t, showArguments);
  const shown = { transcript: [{ stdout: hostile.map((text) => `<${text}>`).join("") }], error: undefined };
  assert.deepEqual([await ran({ path }, hostile), await ran({ path, interpreter: "sh" }, hostile)], [shown, shown]);
});

test("both outputs arrive as what they are, and the status of the script is its run's", async (t) => {
  const path = await written(t, "#!/bin/sh\necho out; echo err >&2; exit $1\n");
  const { transcript, error } = await ran({ path }, ["42"]);
  assert.deepEqual(
    [new Set(transcript), error],
    [new Set([{ stdout: "out\n" }, { stderr: "err\n" }]), new RemoteExit(42, "script exited with code 42")],
  );
  const killed = await written(t, "#!/bin/sh\nkill -SEGV $$\n");
  assert.match(String((await ran({ path: killed }, [])).error), /script was ended by SIGSEGV/);
});

test("a quiet script shows its stderr when it fails and nothing else", async (t) => {
  const path = await written(t, "#!/bin/sh\necho out; echo err >&2; exit $1\n");
  assert.deepEqual(
    [(await ran({ path, quiet: true }, ["0"])).transcript, (await ran({ path, quiet: true }, ["1"])).transcript],
    [[], [{ stderr: "err\n" }]],
  );
});

test("the script runs in the directory that is configured, and is found from the agent's", async (t) => {
  const path = await written(t, "#!/bin/sh\npwd\n");
  const directory = join(path, "../sub");
  await mkdir(directory);
  assert.deepEqual((await ran({ path, directory }, [])).transcript, [{ stdout: `${await realpath(directory)}\n` }]);
  assert.match(
    String((await ran({ path, directory: `${path}-none` }, [])).error),
    /failed to execute script: start .* in .*-none: there is no such folder/,
  );
});

test("the stdin is empty, and the user's when the script is interactive", async (t) => {
  const path = await written(t, "#!/bin/sh\ncat\n");
  const typed = { stdin: ["typed\n"] };
  assert.deepEqual(
    [(await ran({ path }, [], typed)).transcript, (await ran({ path, interactive: true }, [], typed)).transcript],
    [[], [{ stdout: "typed\n" }]],
  );
});

test("an interactive script has the user's terminal", async (t) => {
  const path = await written(t, "#!/bin/sh\ntest -t 0 && stty size\n");
  const { transcript } = await ran({ path, interactive: true }, [], {
    terminal: { type: "xterm", size: { rows: 24, columns: 80 } },
  });
  // A terminal may show the end of a line a moment after the line.
  const shown = transcript.slice(1, -1).map((said) => ("stdout" in said ? said.stdout : "?"));
  assert.deepEqual(
    [transcript[0], shown.join(""), transcript.at(-1)],
    [{ rawMode: true }, "24 80\r\n", { rawMode: false }],
  );
});

test("a script that ignores SIGTERM is gone when its run is cancelled, and so is what it started", async (t) => {
  await using calls = await openRollCall();
  const path = await written(
    t,
    `#!/bin/sh\ntrap '' TERM\n${calls.attend("child", "deaf")} &\necho started; wait; sleep 600\n`,
  );
  const ending = new AbortController();
  const { call } = recordedCall([], { signal: ending.signal });
  const run = runModule(script, { path }, call, host);
  await calls.came("child");
  ending.abort(new Error("client gone"));
  await assert.rejects(run, new Error("client gone"));
  await calls.gone("child");
});

test("a script that is missing, one that may not be run and one without its interpreter are told apart", async (t) => {
  const plain = await written(t, "printf plain", 0o644);
  const messageOf = async (options: object) => {
    const { error } = await ran(options, []);
    return error instanceof Error ? error.message : error;
  };
  assert.deepEqual(
    [
      await messageOf({ path: "/no/such/script" }),
      await messageOf({ path: plain }),
      await messageOf({ path: plain, interpreter: "no-such-interpreter" }),
      await messageOf({ path: plain, interpreter: "sh" }),
    ],
    [
      'there is no script "/no/such/script" on the agent',
      `the agent may not run the script "${plain}"`,
      'there is no program "no-such-interpreter" on the agent to run the script with',
      undefined,
    ],
  );
});

test("a script without a first line is one for /bin/sh, as it is for a shell that runs it", async (t) => {
  const path = await written(t, "printf '<%s>' \"$@\"\n");
  assert.deepEqual((await ran({ path }, ["a b"])).transcript, [{ stdout: "<a b>" }]);
});

test("a script cannot be both quiet and interactive", () => {
  assert.throws(() => script.configure({ path: "/x", quiet: true, interactive: true }), /leave one of the two/);
});
