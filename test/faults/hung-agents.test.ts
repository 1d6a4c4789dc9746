import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { suite, test } from "node:test";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { openMachineTime } from "#test/support/machine-time.ts";
import { openCanary } from "./canary.ts";

/** An agent that takes every call and never answers one, but for the pings that its HTTP/2 answers by itself. */
async function openHungAgent() {
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream) => stream.on("error", () => {}).resume());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]() {
      for (const session of sessions) {
        session.destroy();
      }
      server.close();
    },
  };
}

/** A server with an agent that works and one that hangs and has the device `board`. */
async function openHungLab(signal: AbortSignal) {
  await using opened = new AsyncDisposableStack();
  const lab = opened.use(await Lab.open(signal));
  const server = await lab.server("-log", "info");
  const agent = await lab.agent({ other: { cmds: { sh: shellCommand } } }, "-server", server.address, "-log", "info");
  const hung = opened.use(await openHungAgent());
  using connection = connectTo(parseAddress(server.address), { identity: undefined });
  await connection.relay.register({ devices: ["board"], address: hung.address });
  const release = opened.move();
  return { lab, server, agent, hung, [Symbol.asyncDispose]: () => release.disposeAsync() };
}

suite("an agent that takes calls and never answers", { concurrency: 2 }, () => {
  test("a client whose run hangs with its agent is told after 5 s, gone 1 s after Ctrl-C, and others are served", async (t) => {
    await using hung = await openHungLab(t.signal);
    const { lab, server, agent } = hung;
    // The first list waits for the agent.
    assert.equal((await lab.dutctl(["-s", server.address, "list"])).code, 0);
    await using canary = openCanary(server, "other", agent);
    for (const address of [server.address, hung.hung.address]) {
      const begun = performance.now();
      const client = lab.start("dutctl", ["-s", address, "board", "sh", "true"]);
      using machine = openMachineTime(client, server);
      const started = machine.now();
      await client.said("stderr", new RegExp(`${address} has not answered yet`));
      const waited = performance.now() - begun;
      const told = machine.now();
      client.kill("SIGINT");
      const { code } = await client.ended;
      const times = [told - started, machine.now() - told].map(Math.round);
      t.diagnostic(`told after ${times[0]} ms, gone ${times[1]} ms after Ctrl-C`);
      assert.equal(code, 130);
      assert.ok(waited > 4_500 && (times[0] ?? 0) < 8_000 && (times[1] ?? 0) < 1_000, `${times} ms`);
    }
    await canary.seen(100);
    await canary.stop(t);
  });

  test("a question to an agent that hangs is given up after 30 s, through a server and without one", async (t) => {
    await using hung = await openHungLab(t.signal);
    const begun = performance.now();
    const clients = [hung.server, hung.hung].map(({ address }) =>
      hung.lab.start("dutctl", ["-s", address, "describe", "board"]),
    );
    using machine = openMachineTime(...clients, hung.server);
    const started = machine.now();
    const outcomes = await Promise.all(clients.map(({ ended }) => ended));
    const [seconds, own] = [(performance.now() - begun) / 1000, (machine.now() - started) / 1000];
    t.diagnostic(`${seconds.toFixed(1)} s`);
    for (const { code, stderr } of outcomes) {
      assert.equal(code, 124, stderr);
      assert.match(stderr, /has not answered yet[\s\S]*timed out/);
    }
    assert.ok(seconds > 29 && own < 40, `${seconds} s`);
  });
});
