import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import { DeviceState } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { type Daemon, Lab, shellCommand } from "#test/support/lab.ts";
import { openRollCall } from "#test/support/roll-call.ts";
import { openTcpProxy } from "#test/support/tcp-proxy.ts";

const stateNames = Object.keys(DeviceState);
const board = { cmds: { sh: shellCommand } };

function connect({ address }: Daemon, identity: string): Connection {
  return connectTo(parseAddress(address), { identity });
}

/** Resolves when the server shows a device in a state: who is told that a run has ended or begun may be faster. */
async function shown(connection: Connection, device: string, state: DeviceState): Promise<void> {
  for await (const { event } of connection.lab.watch({ device })) {
    const devices = event.case === "snapshot" ? event.value.devices : event.case === "changed" ? [event.value] : [];
    if (devices.some((each) => each.state === state)) {
      return;
    }
  }
  throw new Error(`the watch of ${device} ended`);
}

/** A command that says `before`, waits for a file, and says `after`. */
function waitingFor(file: string): string {
  return `echo before; until [ -e ${file} ]; do sleep 0.05; done; echo after`;
}

test("the lists of a server show who has what, whichever agent has it, and locks are made and ended through it", async (t) => {
  await using lab = await Lab.open(t.signal);
  await using roll = await openRollCall();
  const server = await lab.server();
  await lab.agent({ board }, "-server", server.address);
  await lab.agent({ plank: board }, "-server", server.address);
  using alice = connect(server, "alice@h");
  using bob = connect(server, "bob@h");
  const seen = async () => {
    const { devices } = await bob.lab.list({});
    const { devices: old } = await bob.devices.list({});
    return devices.map(({ name, state, lock, hold }, index) => [
      name,
      stateNames[state],
      lock?.owner,
      hold?.owner,
      old[index]?.lock?.owner,
    ]);
  };
  await alice.lab.lock({ device: "board", durationMs: 60_000n });
  await bob.devices.lock({ device: "plank", durationSeconds: 60n });
  const locked = await seen();
  const refused = await lab.dutctl(["-s", server.address, "-u", "bob@h", "board", "sh", "true"]);
  await alice.devices.unlock({ device: "board" });
  await bob.lab.unlock({ device: "plank" });
  const client = lab.start("dutctl", ["-s", server.address, "-u", "alice@h", "plank", "sh", roll.attend("work")]);
  await roll.came("work");
  await shown(bob, "plank", DeviceState.BUSY);
  const held = await seen();
  const { hold } = await bob.lab.unlock({ device: "plank", force: true });
  const { code, stderr } = await client.ended;
  await shown(bob, "plank", DeviceState.FREE);
  assert.deepEqual(
    [locked, [refused.code, refused.stderr.split(" for ")[0]], held, hold?.owner, code, await seen()],
    [
      [
        ["board", "LOCKED", "alice@h", undefined, "alice@h"],
        ["plank", "LOCKED", "bob@h", undefined, "bob@h"],
      ],
      [123, '✗ device "board" is locked by "alice@h"'],
      [
        ["board", "FREE", undefined, undefined, undefined],
        ["plank", "BUSY", undefined, "alice@h", "alice@h"],
      ],
      "alice@h",
      1,
      [
        ["board", "FREE", undefined, undefined, undefined],
        ["plank", "FREE", undefined, undefined, undefined],
      ],
    ],
  );
  assert.match(stderr, /bob@h/);
  await roll.gone("work");
});

test("a watch through the server tells who takes and frees a device", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  await lab.agent({ board }, "-server", server.address);
  await lab.agent({ plank: board }, "-server", server.address);
  using alice = connect(server, "alice@h");
  const heard: string[] = [];
  for await (const { event } of alice.lab.watch({})) {
    if (event.case === "snapshot") {
      heard.push(event.value.devices.map(({ name }) => name).join(" "));
      await alice.lab.lock({ device: "plank", durationMs: 60_000n });
    } else if (event.case === "changed") {
      const { name, state } = event.value;
      heard.push(`${name} ${stateNames[state]}`);
      if (state === DeviceState.FREE) {
        break;
      }
      await alice.lab.unlock({ device: "plank" });
    }
  }
  assert.deepEqual(heard, ["board plank", "plank LOCKED", "plank FREE"]);
});

test("a server that is told to stop does not wait for those who watch", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  await lab.agent({ board }, "-server", server.address);
  using alice = connect(server, "alice@h");
  const watch = alice.lab.watch({})[Symbol.asyncIterator]();
  await watch.next();
  const told = performance.now();
  const [{ code }] = await Promise.all([
    server.stop(),
    assert.rejects(watch.next(), { code: "unavailable", message: "dutserver is shutting down" }),
  ]);
  assert.equal(code, 0);
  assert.ok(performance.now() - told < 5_000);
});

test("a run through the server is taken up again when the client's connection was cut", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  await lab.agent({ board }, "-server", server.address);
  await using proxy = await openTcpProxy(server.address);
  const file = lab.path("go-on");
  const client = lab.start("dutctl", ["-s", proxy.address, "-grace", "60s", "board", "sh", waitingFor(file)]);
  await client.said("stdout", /before/);
  proxy.cut();
  await writeFile(file, "");
  const { code, stdout } = await client.ended;
  assert.deepEqual([code, stdout, proxy.connections >= 2], [0, "before\nafter\n", true]);
});

test("a server that was killed and started again gets its agents back, and a run through it is taken up again", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const agent = await lab.agent({ board }, "-server", server.address);
  const file = lab.path("go-on");
  const client = lab.start("dutctl", ["-s", server.address, "-grace", "1m", "board", "sh", waitingFor(file)]);
  await client.said("stdout", /before/);
  server.kill("SIGKILL");
  await server.ended;
  const again = await lab.server("-s", server.address);
  await again.said("stderr", /"msg":"agent attached"/);
  await writeFile(file, "");
  const { code, stdout } = await client.ended;
  const beside = await lab.dutctl(["-s", server.address, "board", "sh", "echo here"]);
  const { stderr } = await agent.stop();
  const told = stderr.split("\n").flatMap((line) => /"msg":"(attached|server lost)"/.exec(line)?.[1] ?? []);
  assert.deepEqual([code, stdout, beside.stdout], [0, "before\nafter\n", "here\n"]);
  assert.deepEqual(told, ["attached", "server lost", "attached"]);
});
