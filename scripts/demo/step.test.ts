import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempDisposable } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import type { Daemon } from "./daemon.ts";
import { type Lab, labVariable } from "./lab.ts";
import { remainsOf } from "./remains.ts";
import { Screen } from "./screen.ts";
import { perform, type Step } from "./step.ts";

test("a step passes when its line succeeds and prints what it should, stderr included", async (t) => {
  assert.equal(
    await outcomeOf({ line: "dutctl list; echo late >&2", prints: "client says list\nlate\n" }, t),
    "passed",
  );
});

test("a step fails when its line prints something else, also when that comes with success", async (t) => {
  assert.equal(
    await outcomeOf({ line: "dutctl list", prints: /nothing/ }, t),
    "the command should have printed what matches /nothing/: dutctl list",
  );
});

test("a step fails with the status of its line, also when the output is right", async (t) => {
  assert.equal(
    await outcomeOf({ line: "echo x; exit 3", prints: "x\n" }, t),
    "the command ended with status 3: echo x; exit 3",
  );
});

test("what a lab leaves behind is named: its folder, a port that answers, a process", async (t) => {
  const folder = await mkdtempDisposable(join(tmpdir(), "demo-test-"));
  await using process = await nodeProcesses().start({
    program: "sleep",
    args: ["60"],
    env: { [labVariable]: folder.path },
    signal: t.signal,
  });
  await using server = createServer();
  await once(server.listen(0, "localhost"), "listening");
  const address = `localhost:${(server.address() as AddressInfo).port}`;
  const lab = labIn(folder.path, address);
  assert.deepEqual(await remainsOf(lab), [
    `the folder ${folder.path}`,
    `the port ${address} of dutserver`,
    `the process ${process.pid}`,
  ]);
  await Promise.all([folder.remove(), process[Symbol.asyncDispose](), server[Symbol.asyncDispose]()]);
  assert.deepEqual(await remainsOf(lab), []);
});

async function outcomeOf(step: Step, t: TestContext): Promise<string> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "demo-test-"));
  const stage = { processes: nodeProcesses(), screen: new Screen(() => {}), signal: t.signal };
  try {
    await perform(step, labIn(folder.path, "localhost:1"), stage);
    return "passed";
  } catch (error) {
    assert(error instanceof DutError);
    return error.message;
  }
}

function labIn(folder: string, address: string): Lab {
  const server: Daemon = {
    name: "dutserver",
    address,
    ended: Promise.resolve(),
    log: () => [],
    async [Symbol.asyncDispose]() {},
  };
  return {
    folder,
    server,
    agents: [],
    dutctl: 'dutctl() { echo client says "$@"; }',
    async [Symbol.asyncDispose]() {},
  };
}
