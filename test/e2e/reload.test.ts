// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of configurations look like those of JavaScript
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { test } from "node:test";
import type { Child } from "#test/support/child.ts";
import { type Daemon, type Devices, Lab, shellCommand } from "#test/support/lab.ts";

/** Two of the same description are the same; the command is described too, so that others differ. */
const device = (desc: string) => ({ desc, cmds: { sh: { desc, ...shellCommand } } });

/** Writes another configuration for an agent and tells it to read it. */
async function reload(agent: Daemon, path: string, content: Devices | string): Promise<void> {
  await writeFile(path, typeof content === "string" ? content : JSON.stringify({ devices: content }));
  agent.kill("SIGHUP");
}

/** A run that goes on until somebody writes to the file that is named after its device. */
async function held(lab: Lab, address: string, name: string): Promise<Child> {
  const fifo = lab.path(`${name}.fifo`);
  execFileSync("mkfifo", [fifo]);
  const run = lab.start("dutctl", ["-s", address, name, "sh", `echo on; cat ${fifo}; echo over`]);
  await run.said("stdout", /on/);
  return run;
}

async function release(lab: Lab, name: string): Promise<void> {
  await writeFile(lab.path(`${name}.fifo`), "");
  await rm(lab.path(`${name}.fifo`));
}

async function listed(lab: Lab, address: string): Promise<string> {
  return (await lab.dutctl(["-s", address, "list"])).stdout.replaceAll(/\[.*?\]|\(.*?\)/g, "").replaceAll(/ +$/gm, "");
}

test("a reload changes what changed, when nothing runs on it, and leaves the rest alone", async (t) => {
  await using lab = await Lab.open(t.signal);
  const path = lab.path("bench.yaml");
  await writeFile(path, JSON.stringify({ devices: { same: device("a"), changed: device("b"), gone: device("c") } }));
  const agent = await lab.agent(path);
  const [same, changed, gone] = await Promise.all(
    ["same", "changed", "gone"].map((name) => held(lab, agent.address, name)),
  );

  await reload(agent, path, { same: device("a"), changed: device("B"), added: device("d") });
  await agent.said("stderr", /"waiting":\["changed","gone"\],.*"msg":"configuration reloaded"/);
  const run = (name: string) => lab.dutctl(["-s", agent.address, name, "sh", "echo hello"]);
  const refused = (await run("gone")).stderr;
  assert.match(refused, /device "gone": it was taken out of the configuration and waits for what runs on it/);
  assert.match((await run("changed")).stderr, /device "changed": it is configured anew and waits for what runs on it/);

  await Promise.all([release(lab, "changed"), release(lab, "gone")]);
  await agent.said("stderr", /"msg":"all devices are as configured"/);
  assert.deepEqual(
    (await Promise.all([changed?.ended, gone?.ended])).map((ended) => [ended?.code, ended?.stdout]),
    [
      [0, "on\nover\n"],
      [0, "on\nover\n"],
    ],
  );
  assert.equal((await run("changed")).stdout, "hello\n");
  assert.equal((await run("added")).stdout, "hello\n");
  assert.match((await run("gone")).stderr, /no such device/);

  await release(lab, "same");
  assert.deepEqual((await same?.ended)?.code, 0);
  assert.equal((await agent.stop()).code, 0);
});

test("a file with problems changes nothing, and the log says all of them", async (t) => {
  await using lab = await Lab.open(t.signal);
  const path = lab.path("bench.yaml");
  await writeFile(path, JSON.stringify({ devices: { board: device("a") } }));
  const agent = await lab.agent(path);
  await reload(agent, path, "devices:\n  other: {}\n  list: []\n");
  await agent.said("stderr", /bench\.yaml:2:3: devices\.other: [^\n]*"msg":"configuration not changed"/);
  await agent.said("stderr", /bench\.yaml:3:3: devices\.list: name is reserved[^\n]*"msg":"configuration not changed"/);
  assert.equal(await listed(lab, agent.address), "- board\n");
  await reload(agent, path, { other: device("a") });
  await agent.said("stderr", /"msg":"all devices are as configured"/);
  assert.equal(await listed(lab, agent.address), "- other\n");
});

test("secrets are read again, and a server hears of the devices that there are now", async (t) => {
  await using lab = await Lab.open(t.signal);
  const path = lab.path("bench.yaml");
  const shell = lab.path("shell");
  await writeFile(shell, "/bin/sh\n");
  const board = { cmds: { sh: { uses: [{ module: "shell", passthrough: true, with: { path: "${file:shell}" } }] } } };
  await writeFile(path, JSON.stringify({ devices: { board } }));
  const server = await lab.server();
  const agent = await lab.agent(path, "-server", server.address);
  const run = () => lab.dutctl(["-s", server.address, "board", "sh", "echo hello"]);
  assert.equal((await run()).stdout, "hello\n");
  await writeFile(shell, "/no/such/shell\n");
  await reload(agent, path, { board, other: device("b") });
  await agent.said("stderr", /"msg":"all devices are as configured"/);
  assert.match((await run()).stderr, /command "sh" is disabled: module shell: [^\n]*\*\*\*/);
  await server.said("stderr", /"devices":\["board","other"\],"msg":"devices changed"/);
  assert.equal(await listed(lab, server.address), "- board\n- other\n");
});

test("an agent that is told to reload while it stops, stops", async (t) => {
  await using lab = await Lab.open(t.signal);
  const path = lab.path("bench.yaml");
  await writeFile(path, JSON.stringify({ devices: { board: device("a") } }));
  const agent = await lab.agent(path);
  await held(lab, agent.address, "board");
  await reload(agent, path, { board: device("b") });
  await agent.said("stderr", /"msg":"configuration reloaded"/);
  agent.kill("SIGTERM");
  agent.kill("SIGHUP");
  assert.equal((await agent.ended).code, 0);
});

test("an agent whose terminal is closed stops", async (t) => {
  await using lab = await Lab.open(t.signal);
  const path = await lab.configuration({ board: device("a") });
  const words = [...lab.wordsOf("dutagent"), "-a", "localhost:0", "-c", path, "-log-json"];
  const terminal = lab.startWords(["script", "-qefc", words.join(" "), "/dev/null"]);
  const [, port] = await terminal.said("stdout", /"addr":"localhost:(\d+)","msg":"rpc service listening"/);
  const socket = connect(Number(port), "localhost");
  await once(socket, "connect");
  const closed = once(socket, "close");
  terminal.kill("SIGKILL");
  await closed;
});
