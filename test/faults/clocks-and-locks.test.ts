import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import { openFakeClock, withoutFakeClock } from "#test/support/fake-clock.ts";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { logged, recordsOf } from "#test/support/log-records.ts";
import { openMachineTime } from "#test/support/machine-time.ts";

const lockMs = 6_000;
const longMs = 600_000;
const toleranceMs = 2_000;
const hour = 3600;
const board = { cmds: { sh: shellCommand } };

/** Resolves when a device is not locked any more. */
async function unlocked(client: Connection): Promise<void> {
  for await (const { event } of client.lab.watch({ device: "board" })) {
    const [device] = event.case === "snapshot" ? event.value.devices : event.case === "changed" ? [event.value] : [];
    if (device !== undefined && device.lock === undefined) {
      return;
    }
  }
}

for (const seconds of [hour, -hour]) {
  test(`no lock ends early or late when the clocks of server and agent are set by ${seconds} s, and its times are right after a restart`, {
    skip: withoutFakeClock,
  }, async (t) => {
    await using lab = await Lab.open(t.signal);
    const clock = await openFakeClock(lab.path("clock"));
    const shifted = lab.startedBy(...clock.words);
    const state = ["-state", lab.path("kept")];
    const server = await shifted.server(...state);
    const config = await lab.configuration({ board });
    const words = ["-a", "none", "-server", server.address, "-name", "bench", "-state", lab.path("bench")];
    const agent = await shifted.agent(config, ...words);
    using client = connectTo(parseAddress(server.address), { identity: "alice@h" });
    using machine = openMachineTime(server, agent);
    const [begun, shown] = [performance.now(), machine.now()];
    await client.lab.lock({ device: "board", durationMs: BigInt(lockMs) });
    await clock.set(seconds);
    await unlocked(client);
    // By clocks that nobody sets; what the machine took makes no lock late.
    const [lasted, own] = [performance.now() - begun, machine.now() - shown];
    const asked = Date.now();
    await client.lab.lock({ device: "board", durationMs: BigInt(longMs) });
    const granted = Date.now();
    await agent.stop();
    await server.stop();
    const again = await shifted.server(...state, "-s", server.address);
    await shifted.agent(config, ...words);
    const { device } = await client.lab.describe({ device: "board" });
    const begunMs = Number(device?.lock?.untilMs) - seconds * 1000 - longMs;
    t.diagnostic(
      `the lock of ${lockMs} ms lasted ${lasted.toFixed(0)} ms; the other one began ${begunMs - asked} ms after it was asked for`,
    );
    assert.equal(device?.lock?.owner, "alice@h");
    assert.ok(lasted >= lockMs - toleranceMs && own <= lockMs + toleranceMs);
    assert.ok(begunMs >= asked - toleranceMs && begunMs <= granted + toleranceMs);
    assert.equal(recordsOf(again, { level: "ERROR" }).length, 0);
  });
}

test("a server that is killed and started again shows every lock with its owner and its time, and keeps who is who", async (t) => {
  await using lab = await Lab.open(t.signal);
  const state = ["-state", lab.path("kept")];
  const server = await lab.server(...state);
  const agent = await lab.agent({ board, plank: board }, "-a", "none", "-server", server.address);
  using alice = connectTo(parseAddress(server.address), { identity: "alice@h" });
  using bob = connectTo(parseAddress(server.address), { identity: "bob@h" });
  const locks = [
    (await alice.lab.lock({ device: "board", durationMs: 600_000n })).lock,
    (await bob.lab.lock({ device: "plank", durationMs: 300_000n })).lock,
  ];
  server.kill("SIGKILL");
  await server.ended;
  const next = await lab.server(...state, "-s", server.address);
  await logged(agent, { msg: "attached" }, 2);
  const found = (await alice.lab.list({})).devices.map(({ lock }) => lock);
  assert.deepEqual(
    found.map((lock) => lock?.owner),
    ["alice@h", "bob@h"],
  );
  for (const [index, lock] of found.entries()) {
    assert.ok(Math.abs(Number(lock?.untilMs) - Number(locks[index]?.untilMs)) <= toleranceMs);
  }
  const refused = await lab.dutctl(["-s", server.address, "-u", "bob@h", "board", "sh", "true"]);
  assert.match(refused.stderr, /^✗ device "board" is locked by "alice@h" for (9|10)m/);
  assert.deepEqual(
    recordsOf(next, { msg: "an agent shows older reservations than before: was its disk put back?" }),
    [],
  );
});
