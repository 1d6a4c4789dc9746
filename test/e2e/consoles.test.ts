import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import type { Child } from "#test/support/child.ts";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { withoutTerminal } from "#test/support/on-terminal.ts";
import { openPtyPair, withoutSocat } from "#test/support/pty-pair.ts";

const login = { uses: [{ module: "shell", passthrough: true, with: { interactive: true } }] };
const board = { cmds: { sh: shellCommand, login } };
const escapeKey = "\x01";

/** Types, and waits for what the terminal shows from then on. */
async function answer(terminal: Child, typed: string, shown: RegExp): Promise<void> {
  terminal.stdout = "";
  terminal.process.stdin.write(typed);
  await terminal.said("stdout", shown);
}

test("a shell of the agent has the user's terminal, through the server: its size, its Ctrl-C, and the shell's exit status", {
  skip: withoutTerminal,
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  await lab.agent({ board }, "-server", server.address);
  const terminal = lab.startOnTerminal(["-s", server.address, "board", "login"], "stty rows 30 cols 100; tty");
  const [, device = ""] = await terminal.said("stdout", /(\/dev\/\S+)\r\n/);
  await terminal.said("stdout", /[$#] $/);
  await answer(terminal, "stty -echo; PS1='rea''dy> '\r", /ready> $/);
  await answer(terminal, "stty size\r", /^30 100\r\nready> $/);
  terminal.process.stdin.write('until [ "$(stty size)" = "40 90" ]; do sleep 0.02; done; echo has its size\r');
  execFileSync("stty", ["-F", device, "rows", "40", "cols", "90"]);
  await terminal.said("stdout", /has its size\r\nready> $/);
  await answer(terminal, "cat\rrunning\r", /^running\r\n$/);
  await answer(terminal, "\x03", /ready> $/);
  await answer(terminal, "echo status $?\r", /^status 130\r\nready> $/);
  terminal.process.stdin.write("exit 7\r");
  const { code } = await terminal.ended;
  assert.equal(code, 7);
});

test("Ctrl-D ends the input of a command on the user's terminal, and Ctrl-A x the command", {
  skip: withoutTerminal,
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  const { address } = await lab.agent({ board });
  const line = "stty -echo; echo ready; cat; echo the input has ended; sleep 1000";
  const terminal = lab.startOnTerminal(["-s", address, "board", "login", line]);
  await terminal.said("stdout", /ready\r\n$/);
  await answer(terminal, "some words\r", /^some words\r\n$/);
  await answer(terminal, "\x04", /^the input has ended\r\n$/);
  await answer(terminal, `${escapeKey}x`, /\[dutctl\] left the console, waiting/);
  const { code } = await terminal.ended;
  const { stdout: runs } = await lab.dutctl(["-s", address, "runs"]);
  assert.deepEqual([code, /ended: .*left/.test(runs)], [130, true], runs);
});

for (const [what, ending] of [
  ["with", "\n"],
  ["without", ""],
] as const) {
  test(`what is piped into an interactive shell arrives whole ${what} a last newline, and then ends`, async (t) => {
    await using lab = await Lab.open(t.signal);
    const { address } = await lab.agent({ board });
    const login = (protocol: string, ...line: string[]) => [
      "-s",
      address,
      "-protocol",
      protocol,
      "board",
      "login",
      ...line,
    ];
    const text = `${Array.from({ length: 50_000 }, (_, number) => `line ${number}`).join("\n")}${ending}`;
    assert.deepEqual(
      [
        await lab.dutctl(login("lab", "wc -c; echo over"), { stdin: text }),
        // The old protocol does not tell the end.
        await lab.dutctl(login("v1", `head -c ${text.length} | wc -c`), { stdin: text }),
        await lab.dutctl(login("lab"), { stdin: `echo a shell; exit 3${ending}` }),
      ],
      [
        { code: 0, stdout: `${text.length}\nover\n`, stderr: "" },
        { code: 0, stdout: `${text.length}\n`, stderr: "" },
        { code: 3, stdout: "a shell\n", stderr: "✗ module failed: shell command exited with code 3\n" },
      ],
    );
  });
}

test("keys go to a board's serial console and its answers come back, also after its adapter was unplugged", {
  skip: withoutSocat || withoutTerminal,
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  await using cable = await openPtyPair();
  const serial = { uses: [{ module: "serial", passthrough: true, with: { port: cable.device } }] };
  const { address } = await lab.agent({ board: { cmds: { console: serial } } });
  const terminal = lab.startOnTerminal(["-s", address, "board", "console"]);
  /** What the board hears when this is typed; it answers. */
  const conversation = async (typed: string, reply: string) => {
    await using far = lab.startWords(["cat", cable.farEnd]);
    terminal.process.stdin.write(typed);
    const [heard] = await far.said("stdout", /^[\s\S]*!$/);
    await writeFile(cable.farEnd, reply);
    await terminal.said("stdout", new RegExp(reply));
    return heard;
  };
  await terminal.said("stdout", /Connected to[\s\S]*Ctrl-A x leaves/);
  const first = await conversation("uname\r\x03!", "Linux board");
  await cable.unplug();
  await terminal.said("stdout", /--- Serial device disconnected, waiting to reconnect ---/);
  await cable.replug();
  await terminal.said("stdout", /--- Serial device reconnected ---/);
  const second = await conversation("reboot!", "booting");
  terminal.process.stdin.write(`${escapeKey}x`);
  const { code } = await terminal.ended;
  assert.deepEqual([first, second, code], ["uname\r\x03!", "reboot!", 130]);
});
