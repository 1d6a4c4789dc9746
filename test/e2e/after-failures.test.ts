import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { type Daemon, Lab } from "#test/support/lab.ts";
import { openRollCall } from "#test/support/roll-call.ts";

const sh = (command: string, keys: object = {}) => ({ module: "shell", args: [command], ...keys });

/** Leaves a line in a file, and says so. */
const marks = (lab: Lab, when: "failure" | "always") =>
  sh(`echo ${when} >>${lab.path("marks")}; echo marked ${when}`, { when });

const marksIn = (lab: Lab) => readFile(lab.path("marks"), "utf8");

async function isFree(lab: Lab, { address }: Daemon): Promise<void> {
  const { code, stderr } = await lab.dutctl(["-s", address, "board", "free"]);
  assert.deepEqual([code, stderr], [0, ""]);
}

async function agentWith(lab: Lab, command: object) {
  return await lab.agent({ board: { cmds: { go: command, free: { uses: [sh("true")] } } } });
}

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
    await using lab = await Lab.open(t.signal);
    const uses = [sh("echo writing; exit 3"), sh("echo never"), marks(lab, "failure"), marks(lab, "always")];
    const agent = await agentWith(lab, { uses });
    const outcome = await lab.dutctl(["-s", agent.address, "-protocol", protocol, "board", "go"]);
    assert.deepEqual(outcome, {
      code: protocol === "lab" ? 3 : 1,
      stdout: "writing\nmarked failure\nmarked always\n",
      stderr: "✗ module failed: step 1 of 4, module shell: shell command exited with code 3\n",
    });
    assert.equal(await marksIn(lab), "failure\nalways\n");
    await isFree(lab, agent);
  });

  test(`${protocol}: a client that is interrupted leaves a board on which what is due in any case was done`, async (t) => {
    await using lab = await Lab.open(t.signal);
    await using roll = await openRollCall();
    const agent = await agentWith(lab, { uses: [sh(roll.attend("work")), marks(lab, "always")] });
    const client = lab.start("dutctl", ["-s", agent.address, "-protocol", protocol, "board", "go"]);
    await roll.came("work");
    client.kill("SIGINT");
    assert.deepEqual(await client.ended, interrupted[protocol]);
    await agent.said("stderr", /"msg":"run ended"/);
    assert.equal(await marksIn(lab), "always\n");
    await isFree(lab, agent);
  });

  test(`${protocol}: a client that is killed leaves a board on which what is due in any case was done`, async (t) => {
    await using lab = await Lab.open(t.signal);
    await using roll = await openRollCall();
    const agent = await agentWith(lab, { uses: [sh(roll.attend("work")), marks(lab, "failure")] });
    const client = lab.start("dutctl", ["-s", agent.address, "-protocol", protocol, "-grace", "100ms", "board", "go"]);
    await roll.came("work");
    client.kill("SIGKILL");
    await agent.said("stderr", /"msg":"run ended"/);
    assert.equal(await marksIn(lab), "failure\n");
    await isFree(lab, agent);
  });

  test(`${protocol}: an agent that is told to stop does before what is due in any case, and its client hears it`, async (t) => {
    await using lab = await Lab.open(t.signal);
    await using roll = await openRollCall();
    const agent = await agentWith(lab, { uses: [sh(roll.attend("work")), marks(lab, "always")] });
    const client = lab.start("dutctl", ["-s", agent.address, "-protocol", protocol, "board", "go"]);
    await roll.came("work");
    agent.kill("SIGTERM");
    assert.deepEqual(await client.ended, {
      code: 1,
      stdout: "marked always\n",
      stderr: `${notice("the run was stopped; step 2 of 2, module shell, still runs")}✗ dutagent is shutting down\n`,
    });
    assert.deepEqual([(await agent.ended).code, await marksIn(lab)], [0, "always\n"]);
  });

  test(`${protocol}: a timeout ends a program that does not hear SIGTERM, and is told with the limit and the step`, async (t) => {
    await using lab = await Lab.open(t.signal);
    await using roll = await openRollCall();
    const uses = [sh(roll.attend("deaf", "deaf")), marks(lab, "always")];
    const agent = await agentWith(lab, { timeout: "2s", uses });
    const outcome = await lab.dutctl(["-s", agent.address, "-protocol", protocol, "board", "go"]);
    await roll.gone("deaf");
    assert.deepEqual(outcome, {
      code: 124,
      stdout: "marked always\n",
      stderr: [
        notice("the run was stopped; step 2 of 2, module shell, still runs"),
        "✗ the command took longer than its timeout of 2s, in step 1 of 2, module shell\n",
      ].join(""),
    });
    assert.equal(await marksIn(lab), "always\n");
    await isFree(lab, agent);
  });

  test(`${protocol}: what fails at first and is repeated succeeds, and the output says so`, async (t) => {
    await using lab = await Lab.open(t.signal);
    const uses = [sh("test -e marks && echo works"), marks(lab, "always")];
    const agent = await agentWith(lab, { retries: 2, uses });
    const outcome = await lab.dutctl(["-s", agent.address, "-protocol", protocol, "board", "go"]);
    const why = "module failed: step 1 of 2, module shell: shell command exited with code 1";
    assert.deepEqual(outcome, {
      code: 0,
      stdout: "marked always\nworks\nmarked always\n",
      stderr: notice(`attempt 1 of 3 failed: ${why}; trying again`),
    });
    assert.equal(await marksIn(lab), "always\nalways\n");
  });
}

for (const protocol of ["lab", "v1"] as const) {
  test(`${protocol}: an attempt that is repeated gets the files of the client again, and may hand out the same ones`, async (t) => {
    await using lab = await Lab.open(t.signal);
    const uses = [
      { module: "dummy-ft", args: [`\${in}`, `\${out}`] },
      sh(`test -e ${lab.path("marks")}`),
      marks(lab, "failure"),
    ];
    const agent = await agentWith(lab, { args: [{ name: "in" }, { name: "out" }], retries: 1, uses });
    await writeFile(lab.path("in.txt"), "image");
    const words = ["-s", agent.address, "-protocol", protocol, "board", "go", "in.txt", "out.txt"];
    const { code, stdout } = await lab.dutctl(words);
    assert.deepEqual(
      [code, stdout.match(/^[↑↓] .*|^marked .*/gm), await readFile(lab.path("out.txt"), "utf8")],
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
}

test("what a command does after a failure, how long it may take and how often it is tried stand in its help", async (t) => {
  await using lab = await Lab.open(t.signal);
  const agent = await agentWith(lab, { timeout: "10m", retries: 1, uses: [sh("true"), marks(lab, "always")] });
  const helps = ["lab", "v1"].map((protocol) =>
    lab.dutctl(["-s", agent.address, "-protocol", protocol, "board", "go", "help"]),
  );
  for (const { stdout } of await Promise.all(helps)) {
    assert.equal(
      stdout,
      `Command with 2 module(s): shell, shell

An attempt may take 10m0s.
There are at most 2 attempts.
Step 2 of 2, module shell, runs in any case.
`,
    );
  }
});
