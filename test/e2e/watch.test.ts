import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { DeviceState, type WatchResponse } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { openRollCall } from "#test/support/roll-call.ts";

const board = { desc: "the left one", cmds: { sh: shellCommand } };

const stateNames = new Map<number, string>(Object.entries(DeviceState).map(([name, state]) => [state, name]));

/** The next event of a watch in words: who has which device. */
async function next(watch: AsyncIterator<WatchResponse>): Promise<string> {
  const { value } = await watch.next();
  const { event } = value as WatchResponse;
  if (event.case === "removed") {
    return `removed ${event.value}`;
  }
  const devices = event.case === "snapshot" ? event.value.devices : event.value ? [event.value] : [];
  const states = devices.map(({ name, state, lock, hold }) =>
    [name, stateNames.get(state), lock && `lock ${lock.owner}`, hold && `run ${hold.owner}`].filter(Boolean).join(" "),
  );
  return `${event.case}: ${states.join(", ")}`;
}

/** Resolves when all of these have been told, in any order and with others between them. */
async function toldAll(watch: AsyncIterator<WatchResponse>, events: readonly string[]): Promise<void> {
  for (const missing = new Set(events); missing.size > 0; ) {
    missing.delete(await next(watch));
  }
}

/** The code and the message that a watch ends with. */
async function endOf(watch: AsyncIterator<WatchResponse>): Promise<unknown> {
  return next(watch).catch((error: unknown) => error instanceof DutError && [error.code, error.message]);
}

test("a watch tells locks, their expiry and runs as they happen, and ends with the agent", async (t) => {
  await using lab = await Lab.open(t.signal);
  await using roll = await openRollCall();
  const agent = await lab.agent({ a: board, b: board });
  using alice = connectTo(parseAddress(agent.address), { identity: "alice@h" });
  const watch = alice.lab.watch({})[Symbol.asyncIterator]();
  const told = [await next(watch)];
  await alice.lab.lock({ device: "a", durationMs: 1n });
  told.push(await next(watch), await next(watch));
  await alice.lab.lock({ device: "b" });
  told.push(await next(watch));
  const run = lab.start("dutctl", ["-s", agent.address, "-u", "alice@h", "b", "sh", roll.attend("work")]);
  told.push(await next(watch));
  await roll.came("work");
  run.kill("SIGINT");
  told.push(await next(watch));
  await alice.lab.unlock({ device: "b" });
  told.push(await next(watch));
  agent.kill("SIGTERM");
  const end = await endOf(watch);
  const { code, stderr } = await agent.ended;
  assert.deepEqual(
    [told, end, code],
    [
      [
        "snapshot: a FREE, b FREE",
        "changed: a LOCKED lock alice@h",
        "changed: a FREE",
        "changed: b LOCKED lock alice@h",
        "changed: b BUSY lock alice@h run alice@h",
        "changed: b LOCKED lock alice@h",
        "changed: b FREE",
      ],
      ["unavailable", "dutagent is shutting down"],
      0,
    ],
  );
  assert.doesNotMatch(stderr, /did not finish in time/);
});

test("a watch tells what a reload brings, retires and takes away", async (t) => {
  await using lab = await Lab.open(t.signal);
  await using roll = await openRollCall();
  const config = await lab.configuration({ a: board, b: board });
  const agent = await lab.agent(config);
  using alice = connectTo(parseAddress(agent.address), { identity: "alice@h" });
  const run = lab.start("dutctl", ["-s", agent.address, "-u", "alice@h", "b", "sh", roll.attend("work")]);
  await roll.came("work");
  await alice.lab.lock({ device: "a" });
  const watch = alice.lab.watch({})[Symbol.asyncIterator]();
  assert.equal(await next(watch), "snapshot: a LOCKED lock alice@h, b BUSY run alice@h");
  await writeFile(config, JSON.stringify({ version: "1.0.0-alpha.1", devices: { c: board } }));
  agent.kill("SIGHUP");
  await toldAll(watch, ["changed: b RETIRING run alice@h", "changed: c FREE", "removed a"]);
  const { lock } = await alice.lab.unlock({ device: "a" });
  run.kill("SIGINT");
  await toldAll(watch, ["removed b"]);
  assert.equal(lock?.owner, "alice@h");
  await run.ended;
});
