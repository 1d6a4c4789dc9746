// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of configurations look like those of JavaScript
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { injections } from "#test/support/injections.ts";
import { type Daemon, Lab } from "#test/support/lab.ts";
import { openSshServer, withoutSshd } from "#test/support/ssh-server.ts";
import { protocols } from "./spoken.ts";

const templated = (uses: readonly object[]) => ({ args: [{ name: "x", desc: "x" }], uses });

/** What each module of a command makes of a value, in the shell's ways to quote one and without a shell. */
const local = templated([
  { module: "shell", args: ["printf '<%s>' ${x}"] },
  { module: "shell", args: ["printf '<%s>' \"${x}\""] },
  { module: "shell", args: ["printf '<%s>' '${x}'"] },
  { module: "dummy-status", args: ["${x}"] },
]);
const saidLocally = (value: string) =>
  `${`<${value}>`.repeat(3)}Hello from dummy status module\nCalled with 1 arguments\nArg 0: ${value}\n`;

async function tryAll(lab: Lab, { address }: Daemon, command: string, said: (value: string) => string): Promise<void> {
  for (const value of injections(lab.path("marker"))) {
    const { code, stdout, stderr } = await lab.dutctl(["-s", address, "board", command, value]);
    assert.deepEqual([code, stdout, stderr], [0, said(value), ""]);
  }
  assert.equal((await readdir(lab.directory)).includes("marker"), false);
}

test("what a user types is one argument of the program that a template gives it to, from dutctl to the shell", async (t) => {
  await using lab = await Lab.open(t.signal);
  const agent = await lab.agent({ board: { cmds: { go: local } } });
  await tryAll(lab, agent, "go", saidLocally);
});

test("what a user types is one argument at the other end of an SSH connection too", {
  skip: withoutSshd,
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  await using server = await openSshServer();
  const login = {
    host: "127.0.0.1",
    port: server.port,
    user: server.user,
    privatekey: server.userKey.path,
    hostkey: server.hostKey.publicKey,
  };
  const remote = templated([{ module: "ssh", args: ["printf '<%s>' ${x}"], with: login }]);
  const agent = await lab.agent({ board: { cmds: { remote } } });
  await tryAll(lab, agent, "remote", (value) => `<${value}>`);
});

test("what a user types is one argument of a script, and no option of its interpreter", async (t) => {
  await using lab = await Lab.open(t.signal);
  await writeFile(lab.path("script"), "#!/bin/sh\nprintf '<%s>' \"$@\"\n", { mode: 0o755 });
  const uses = [undefined, "sh", "perl"].map((interpreter) => ({
    module: "script",
    args: ["${x}"],
    with: { path: lab.path("script"), ...(interpreter !== undefined && { interpreter }) },
  }));
  const agent = await lab.agent({ board: { cmds: { script: templated(uses) } } });
  await tryAll(lab, agent, "script", (value) => `<${value}>`.repeat(3));
});

/** What a program's argument may be at most for the system, and in our own protocol for the agent. */
const tooLong = { "dutctl.v1": "too long", "dutlab.v1": "at most 4096 are taken" };

for (const { name, speak } of protocols) {
  test(`an argument with a NUL, or of a mebibyte, is refused with a sentence and starts nothing, over ${name}`, async (t) => {
    await using lab = await Lab.open(t.signal);
    const agent = await lab.agent({ board: { cmds: { go: local } } });
    using connection = connectTo(parseAddress(agent.address), { identity: "tester@h" });
    const ends = [];
    for (const value of ["a\0b", "x".repeat(1 << 19), "x".repeat(1 << 20)]) {
      const { stdout, end } = await speak(connection, { device: "board", command: "go", args: [value] });
      ends.push([stdout, /NUL|too long|at most \d+ (?:fit|are taken)/.exec(end)?.[0]]);
    }
    assert.deepEqual(ends, [
      ["", "NUL"],
      ["", tooLong[name]],
      ["", "at most 1048576 fit"],
    ]);
  });
}

test("an existing client may give a command a script of 100,000 bytes", async (t) => {
  await using lab = await Lab.open(t.signal);
  const agent = await lab.agent({ board: { cmds: { go: local } } });
  const value = "x".repeat(100_000);
  const { code, stdout } = await lab.dutctl(["-s", agent.address, "-protocol", "v1", "board", "go", value]);
  assert.deepEqual([code, stdout], [0, saidLocally(value)]);
});

test("names of files that climb or are absolute are opened by nobody but the client that has them", async (t) => {
  await using lab = await Lab.open(t.signal);
  await writeFile(lab.path("secret"), "of the agent");
  const agent = await lab.agent({ board: { cmds: { ft: { uses: [{ module: "dummy-ft", passthrough: true }] } } } });
  using connection = connectTo(parseAddress(agent.address), { identity: "tester@h" });
  const before = await readdir(lab.directory);
  for (const name of ["secret", "../secret", lab.path("secret"), `/proc/${agent.process.pid}/environ`]) {
    const out = `${lab.path("made-by")}-${randomUUID()}`;
    const sent: unknown[] = [];
    const next = Promise.withResolvers<void>();
    async function* requests() {
      yield { msg: { case: "command" as const, value: { device: "board", command: "ft", args: [name, out] } } };
      await next.promise;
      yield { msg: { case: "file" as const, value: { path: name, content: Buffer.from("of the client") } } };
      await new Promise(() => {});
    }
    for await (const { msg } of connection.devices.run(requests())) {
      if (msg.case === "fileRequest") {
        next.resolve();
      } else if (msg.case === "file") {
        sent.push(msg.value.path, Buffer.from(msg.value.content).toString());
      }
    }
    assert.deepEqual(sent, [out, "of the client\n\nprocessed by dummy.FT module\n"]);
  }
  assert.deepEqual(await readdir(lab.directory), before);
});
