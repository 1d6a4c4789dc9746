import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import { openFakeClock, withoutFakeClock } from "#test/support/fake-clock.ts";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { logged, recordsOf } from "#test/support/log-records.ts";

const lockMs = 6_000;
const toleranceMs = 2_000;
const hour = 3600;
const board = { cmds: { sh: shellCommand } };

/** Resolves with how long a device stayed locked, by a clock that nobody sets. */
async function lockedFor(client: Connection): Promise<number> {
  const begun = performance.now();
  for await (const { event } of client.lab.watch({ device: "board" })) {
    const [device] = event.case === "snapshot" ? event.value.devices : event.case === "changed" ? [event.value] : [];
    if (device !== undefined && device.lock === undefined) {
      break;
    }
  }
  return performance.now() - begun;
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
    await client.lab.lock({ device: "board", durationMs: BigInt(lockMs) });
    await clock.set(seconds);
    const lasted = await lockedFor(client);
    await client.lab.lock({ device: "board", durationMs: 600_000n });
    await agent.stop();
    await server.stop();
    const again = await shifted.server(...state, "-s", server.address);
    await shifted.agent(config, ...words);
    const { device } = await client.lab.describe({ device: "board" });
    const leftMs = Number(device?.lock?.untilMs) - (Date.now() + seconds * 1000);
    t.diagnostic(`the lock of ${lockMs} ms lasted ${lasted.toFixed(0)} ms; of 600 s there were ${leftMs} ms left`);
    assert.equal(device?.lock?.owner, "alice@h");
    assert.ok(Math.abs(lasted - lockMs) <= toleranceMs);
    assert.ok(leftMs <= 600_000 && leftMs > 570_000);
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
    (await bob.lab.lock({ device: "plank", durationMs: 60_000n })).lock,
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
