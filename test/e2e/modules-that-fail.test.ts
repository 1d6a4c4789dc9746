import assert from "node:assert/strict";
import { test } from "node:test";
import { moduleKinds } from "#pkg/modules/modules.ts";
import { type Devices, Lab, shellCommand } from "#test/support/lab.ts";

const modules = moduleKinds
  .map(({ name }) => name)
  .sort()
  .join(", ");

const console = { uses: [{ module: "serial", passthrough: true, with: { port: "/dev/no-such-port" } }] };
const broken = { uses: [{ module: "shell", args: ["true"], with: { path: "/no/such/shell" } }] };

/** What the module says about itself. */
const reason =
  'there is no program "/no/such/shell" on the agent to run shell commands with (set the option path to a shell of the agent, such as /bin/sh)';

test("a module that does not open disables the commands that use it, and nothing else", async (t) => {
  await using lab = await Lab.open(t.signal);
  const agent = await lab.agent({
    board: { cmds: { broken, sh: shellCommand } },
    other: { cmds: { sh: shellCommand } },
  });
  assert.match(
    agent.stderr,
    /"module":"shell","err":"there is no program \\"\/no\/such\/shell\\" [^\n]*"msg":"module error"/,
  );
  const dutctl = (...args: string[]) => lab.dutctl(["-s", agent.address, ...args]);
  assert.deepEqual(
    [await dutctl("board"), await dutctl("board", "broken"), await dutctl("board", "sh", "echo works")],
    [
      { code: 0, stdout: "- broken\n- sh\n", stderr: "" },
      { code: 1, stdout: "", stderr: `✗ device "board": command "broken" is disabled: module shell: ${reason}\n` },
      { code: 0, stdout: "works\n", stderr: "" },
    ],
  );
});

test("a serial device that is not there fails the run that wants it, and what to do is told in both protocols", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { address } = await lab.agent({ board: { cmds: { console } } });
  const run = (protocol: string) => lab.dutctl(["-s", address, "-protocol", protocol, "board", "console"]);
  const what = "failed to open serial port /dev/no-such-port: there is no serial device /dev/no-such-port";
  const hint = "check the cable and the path; /dev/serial/by-id has names that do not change";
  assert.deepEqual(
    [await run("lab"), await run("v1")],
    [
      { code: 1, stdout: "", stderr: `✗ module failed: ${what}\n  ${hint}\n` },
      { code: 1, stdout: "", stderr: `✗ module failed: ${what} (${hint})\n` },
    ],
  );
});

test("-check-config reads, -dry-run opens, and either ends with 1 when something is wrong", async (t) => {
  await using lab = await Lab.open(t.signal);
  const good = await lab.configuration({ board: { cmds: { console, sh: shellCommand } } });
  const notOpening = await lab.configuration({ board: { cmds: { broken } } });
  const unknown = await lab.configuration({
    board: { cmds: { power: { uses: [{ module: "teleport" }] } } },
  } as Devices);
  const tell = async (flag: string, config: string) => {
    const { code, stderr } = await lab.start("dutagent", [flag, "-c", config]).ended;
    // That its serial port is not there comes whenever it was looked for.
    const lines = stderr.split("\n").filter((line) => line !== "" && !line.includes("serial port not open"));
    return [code, ...lines.slice(1).map((line) => line.replace(/^\S+ \S+ (?=[A-Z]+ +\[)/, ""))];
  };
  assert.deepEqual(
    await Promise.all([
      tell("-check-config", good),
      tell("-check-config", notOpening),
      tell("-check-config", unknown),
      tell("-dry-run", good),
      tell("-dry-run", notOpening),
      tell("-dry-run", unknown),
    ]),
    [
      [0, `INFO  [agent] configuration is valid path=${good}`],
      [0, `INFO  [agent] configuration is valid path=${notOpening}`],
      [1, unknownModule(unknown), `ERROR [agent] bad configuration path=${unknown} problems=1`],
      [0, "INFO  [agent] initialization successful - dry run finished"],
      [
        1,
        `ERROR [agent] module error device=board command=broken module=shell err="${reason.replaceAll('"', '\\"')}"`,
        "INFO  [agent] initialization failed - dry run finished",
      ],
      [1, `ERROR [agent] loading config failed err="${unknownModule(unknown).replaceAll('"', '\\"')}"`],
    ],
  );
});

function unknownModule(path: string): string {
  return `${path}:1:83: devices.board.cmds.power.uses.0.module: no module named "teleport" (there are: ${modules})`;
}
