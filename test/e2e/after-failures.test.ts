import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { Lab } from "#test/support/lab.ts";
import { openRollCall, type RollCall } from "#test/support/roll-call.ts";

const sh = (command: string, keys: object = {}) => ({ module: "shell", args: [command], ...keys });

/** What a command of a test may be made of: a file for its marks, and a roll call that its programs attend. */
interface Parts {
  readonly lab: Lab;
  readonly roll: RollCall;
  /** Leaves a line in the file of marks, and says so. */
  marks(when: "failure" | "always"): object;
}

/** An agent with a board whose command `go` is the test's, and clients of one protocol. */
async function openBench(t: TestContext, protocol: "lab" | "v1", command: (parts: Parts) => object) {
  await using open = new AsyncDisposableStack();
  const lab = open.use(await Lab.open(t.signal));
  const roll = open.use(await openRollCall());
  const file = lab.path("marks");
  const marks: Parts["marks"] = (when) => sh(`echo ${when} >>${file}; echo marked ${when}`, { when });
  const go = command({ lab, roll, marks });
  const agent = await lab.agent({ board: { cmds: { go, free: { uses: [sh("true")] } } } });
  const words = (args: readonly string[]) => ["-s", agent.address, "-protocol", protocol, ...args];
  const opened = open.move();
  return {
    lab,
    roll,
    agent,
    dutctl: (...args: string[]) => lab.dutctl(words(args)),
    start: (...args: string[]) => lab.start("dutctl", words(args)),
    marked: () => readFile(file, "utf8"),
    async isFree() {
      const { code, stderr } = await lab.dutctl(["-s", agent.address, "board", "free"]);
      assert.deepEqual([code, stderr], [0, ""]);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** A command that is at work until it is stopped, and then leaves a mark. */
const works =
  (when: "failure" | "always") =>
  ({ roll, marks }: Parts) => ({ uses: [sh(roll.attend("work")), marks(when)] });

/** A client of v1 that goes cannot hear the end of what it has ended. */
const interrupted = {
  lab: {
    code: 130,
    stdout: "marked always\n",
    stderr: [
      "waiting for the command to stop; Ctrl-C leaves at once\n",
      "the run was stopped; step 2 of 2, module shell, still runs\n",
      "✗ interrupted\n",
    ].join(""),
  },
  v1: { code: 130, stdout: "", stderr: "✗ interrupted\n" },
};

for (const protocol of ["lab", "v1"] as const) {
  /** How a notice of the agent looks. */
  const notice = (text: string) => (protocol === "lab" ? `${text}\n` : `dutagent: ${text}\n`);

  test(`${protocol}: after a step that fails, what is due in any case runs, and the failure is told with its step and status`, async (t) => {
    await using bench = await openBench(t, protocol, ({ marks }) => ({
      uses: [sh("echo writing; exit 3"), sh("echo never"), marks("failure"), marks("always")],
    }));
    assert.deepEqual(await bench.dutctl("board", "go"), {
      code: protocol === "lab" ? 3 : 1,
      stdout: "writing\nmarked failure\nmarked always\n",
      stderr: "✗ module failed: step 1 of 4, module shell: shell command exited with code 3\n",
    });
    assert.equal(await bench.marked(), "failure\nalways\n");
    await bench.isFree();
  });

  test(`${protocol}: a client that is interrupted leaves a board on which what is due in any case was done`, async (t) => {
    await using bench = await openBench(t, protocol, works("always"));
    const client = bench.start("board", "go");
    await bench.roll.came("work");
    client.kill("SIGINT");
    assert.deepEqual(await client.ended, interrupted[protocol]);
    await bench.agent.said("stderr", /"msg":"run ended"/);
    assert.equal(await bench.marked(), "always\n");
    await bench.isFree();
  });

  test(`${protocol}: a client that is killed leaves a board on which what is due in any case was done`, async (t) => {
    await using bench = await openBench(t, protocol, works("failure"));
    const client = bench.start("-grace", "100ms", "board", "go");
    await bench.roll.came("work");
    client.kill("SIGKILL");
    await bench.agent.said("stderr", /"msg":"run ended"/);
    assert.equal(await bench.marked(), "failure\n");
    await bench.isFree();
  });

  test(`${protocol}: an agent that is told to stop does before what is due in any case, and its client hears it`, async (t) => {
    await using bench = await openBench(t, protocol, works("always"));
    const client = bench.start("board", "go");
    await bench.roll.came("work");
    bench.agent.kill("SIGTERM");
    assert.deepEqual(await client.ended, {
      code: 1,
      stdout: "marked always\n",
      stderr: `${notice("the run was stopped; step 2 of 2, module shell, still runs")}✗ dutagent is shutting down\n`,
    });
    assert.deepEqual([(await bench.agent.ended).code, await bench.marked()], [0, "always\n"]);
  });

  test(`${protocol}: a timeout ends a program that does not hear SIGTERM, and is told with the limit and the step`, async (t) => {
    await using bench = await openBench(t, protocol, ({ lab, marks }) => ({
      timeout: "2s",
      uses: [sh(`trap '' TERM; echo $$ >${lab.path("deaf")}; exec sleep 1000`), marks("always")],
    }));
    const outcome = await bench.dutctl("board", "go");
    const deaf = Number(await readFile(bench.lab.path("deaf"), "utf8"));
    assert.throws(() => process.kill(deaf, 0), { code: "ESRCH" });
    assert.deepEqual(outcome, {
      code: 124,
      stdout: "marked always\n",
      stderr: [
        notice("the run was stopped; step 2 of 2, module shell, still runs"),
        "✗ the command took longer than its timeout of 2s, in step 1 of 2, module shell\n",
      ].join(""),
    });
    assert.equal(await bench.marked(), "always\n");
    await bench.isFree();
  });

  test(`${protocol}: what fails at first and is repeated succeeds, and the output says so`, async (t) => {
    await using bench = await openBench(t, protocol, ({ marks }) => ({
      retries: 2,
      uses: [sh("test -e marks && echo works"), marks("always")],
    }));
    const why = "module failed: step 1 of 2, module shell: shell command exited with code 1";
    assert.deepEqual(await bench.dutctl("board", "go"), {
      code: 0,
      stdout: "marked always\nworks\nmarked always\n",
      stderr: notice(`attempt 1 of 3 failed: ${why}; trying again`),
    });
    assert.equal(await bench.marked(), "always\nalways\n");
  });

  test(`${protocol}: an attempt that is repeated gets the files of the client again, and may hand out the same ones`, async (t) => {
    await using bench = await openBench(t, protocol, ({ lab, marks }) => ({
      args: [{ name: "in" }, { name: "out" }],
      retries: 1,
      uses: [{ module: "dummy-ft", args: [`\${in}`, `\${out}`] }, sh(`test -e ${lab.path("marks")}`), marks("failure")],
    }));
    await writeFile(bench.lab.path("in.txt"), "image");
    const { code, stdout } = await bench.dutctl("board", "go", "in.txt", "out.txt");
    assert.deepEqual(
      [code, stdout.match(/^[↑↓] .*|^marked .*/gm), await readFile(bench.lab.path("out.txt"), "utf8")],
      [
        0,
        [
          '↑ sent "in.txt" (5 B)',
          '↓ received "out.txt" (36 B)',
          "marked failure",
          '↑ sent "in.txt" (5 B)',
          '↓ received "out.txt" (36 B)',
        ],
        "image\n\nprocessed by dummy.FT module\n",
      ],
    );
  });

  test(`${protocol}: what a command does after a failure, how long it may take and how often it is tried stand in its help`, async (t) => {
    await using bench = await openBench(t, protocol, ({ marks }) => ({
      timeout: "10m",
      retries: 1,
      uses: [sh("true"), marks("always")],
    }));
    const { stdout } = await bench.dutctl("board", "go", "help");
    assert.equal(
      stdout,
      `Command with 2 module(s): shell, shell

An attempt may take 10m0s.
There are at most 2 attempts.
Step 2 of 2, module shell, runs in any case.
`,
    );
  });
}
