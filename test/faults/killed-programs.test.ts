import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { type Daemon, Lab, shellCommand } from "#test/support/lab.ts";
import { withoutTerminal } from "#test/support/on-terminal.ts";
import { openPtyPair, withoutSocat } from "#test/support/pty-pair.ts";
import { openRollCall } from "#test/support/roll-call.ts";
import { untilFree } from "./free-devices.ts";
import { startOnTerminal } from "./terminal-session.ts";

const withinMs = 10_000;
const skip = withoutTerminal || withoutSocat;

const consoleOn = (port: string) => ({
  cmds: { console: { uses: [{ module: "serial", passthrough: true, with: { port } }] }, sh: shellCommand },
});

async function becomesFree(lab: Lab, agent: Daemon, words: readonly string[]): Promise<void> {
  await untilFree(agent);
  const { code, stderr } = await lab.dutctl(["-s", agent.address, ...words]);
  assert.deepEqual([code, stderr], [0, ""]);
}

test("a killed agent leaves no program of its run behind, and has the device free when it is started again", async (t) => {
  await using lab = await Lab.open(t.signal);
  await using roll = await openRollCall();
  const config = await lab.configuration({ board: { cmds: { sh: shellCommand } } });
  const start = () => lab.agent(config, "-state", lab.path("kept"));
  const agent = await start();
  const command = [
    `${roll.attend("deaf", "deaf")} &`,
    `(setsid ${roll.attend("daemon", "deaf")} </dev/null >/dev/null 2>&1 &)`,
    roll.attend("work"),
  ].join("\n");
  const client = lab.start("dutctl", ["-s", agent.address, "board", "sh", command]);
  const names = ["deaf", "daemon", "work"];
  await Promise.all(names.map((name) => roll.came(name)));
  const killed = performance.now();
  agent.kill("SIGKILL");
  const { code } = await client.ended;
  const told = performance.now() - killed;
  const next = await start();
  await Promise.all(names.map((name) => roll.gone(name)));
  t.diagnostic(`the client was told after ${told.toFixed(0)} ms`);
  assert.deepEqual([code, told < withinMs], [125, true]);
  await becomesFree(lab, next, ["board", "sh", "true"]);
});

test("a client that is killed at a serial console loses the run, and the device and the port are free", {
  skip,
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  await using pair = await openPtyPair();
  const agent = await lab.agent({ board: consoleOn(pair.device), twin: consoleOn(pair.device) });
  const session = startOnTerminal(lab, ["-s", agent.address, "board", "console"]);
  await session.child.said("stdout", /Connected/);
  await writeFile(pair.farEnd, "login: ");
  await session.child.said("stdout", /login: /);
  const killed = performance.now();
  process.kill(await session.pid(), "SIGKILL");
  await agent.said("stderr", /"msg":"run ended"/);
  const ended = performance.now() - killed;
  t.diagnostic(`the run ended after ${ended.toFixed(0)} ms`);
  assert.ok(ended < withinMs);
  await becomesFree(lab, agent, ["twin", "console", "-t", "1ms"]);
  await becomesFree(lab, agent, ["board", "console", "-t", "1ms"]);
});

test("an agent that is killed at a console costs 125, and the terminal is as it was", { skip }, async (t) => {
  await using lab = await Lab.open(t.signal);
  await using pair = await openPtyPair();
  const agent = await lab.agent({ board: consoleOn(pair.device) });
  const session = startOnTerminal(lab, ["-s", agent.address, "board", "console"]);
  await session.child.said("stdout", /Connected/);
  await writeFile(pair.farEnd, "\x1b[?1049h\x1b[?25l\x1b[31mlogin: ");
  await session.child.said("stdout", /login: /);
  agent.kill("SIGKILL");
  assert.deepEqual(await session.outcome(), { code: 125, settingsAsBefore: true });
  const undone = session.shown().slice(session.shown().indexOf("login: "));
  assert.deepEqual(
    ["\x1b[?25h", "\x1b[0m", "\x1b[?1049l"].filter((mode) => !undone.includes(mode)),
    [],
  );
});

test("Ctrl-A x leaves a console with 130, its run ended and the terminal as it was", { skip }, async (t) => {
  await using lab = await Lab.open(t.signal);
  await using pair = await openPtyPair();
  const agent = await lab.agent({ board: consoleOn(pair.device) });
  const session = startOnTerminal(lab, ["-s", agent.address, "board", "console"]);
  await session.child.said("stdout", /Connected/);
  session.type("\x01x");
  assert.deepEqual(await session.outcome(), { code: 130, settingsAsBefore: true });
  await becomesFree(lab, agent, ["board", "console", "-t", "1ms"]);
});

test("Ctrl-C twice leaves a program that will not end with 130, and the terminal is as it was", {
  skip: withoutTerminal,
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  await using roll = await openRollCall();
  const agent = await lab.agent({ board: { cmds: { sh: shellCommand } } });
  const session = startOnTerminal(lab, ["-s", agent.address, "board", "sh", roll.attend("work", "deaf")]);
  await roll.came("work");
  session.type("\x03");
  await session.child.said("stdout", /Ctrl-C leaves at once/);
  const again = performance.now();
  session.type("\x03");
  const outcome = await session.outcome();
  t.diagnostic(`left after ${(performance.now() - again).toFixed(0)} ms`);
  assert.deepEqual(outcome, { code: 130, settingsAsBefore: true });
  await roll.gone("work");
});
