import assert from "node:assert/strict";
import { test } from "node:test";
import { toJson } from "@bufbuild/protobuf";
import { DutError } from "#pkg/errors/dut-error.ts";
import {
  DeviceState,
  LabService,
  type WatchResponse,
  WatchResponseSchema,
} from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { device, labAgent, oldAgent } from "../test/lab-agent.ts";
import { openRelay } from "../test/open-relay.ts";
import { shown } from "../test/shown.ts";

/** A watch whose events are taken one at a time, as JSON. */
function events(watch: AsyncIterable<WatchResponse>) {
  const iterator = watch[Symbol.asyncIterator]();
  return {
    async next() {
      const { value } = await iterator.next();
      return toJson(WatchResponseSchema, value);
    },
    [Symbol.asyncDispose]: async () => void (await iterator.return?.()),
  };
}

const named = (name: string) => ({ name, state: "DEVICE_STATE_FREE" });
const locked = device("a", { state: DeviceState.LOCKED, lock: { owner: "bob@h" } });

test("a watch begins with the devices of all agents, and tells what changes, comes and goes", async () => {
  // An agent that is tried again before it is back is offline for another reason, which is told too.
  await using relay = await openRelay({ retryMs: 60_000 });
  const one = labAgent(device("a"), device("b"));
  const { address: oneAddress } = await relay.agent(["a", "b"], one.routes);
  await using watch = events(relay.client.lab.watch({}));
  const seen = [await watch.next()];
  one.set(locked);
  seen.push(await watch.next());
  const two = await relay.agent(["c"], labAgent(device("c")).routes);
  seen.push(await watch.next());
  one.remove("b");
  seen.push(await watch.next());
  await two[Symbol.asyncDispose]();
  seen.push(await watch.next());
  await relay.agent(["c"], labAgent(device("c")).routes, two.address);
  seen.push(await watch.next());
  await relay.lab.registrations.register(["a"], oneAddress, "127.0.0.1");
  seen.push(await watch.next());
  // How the connection was lost depends on which side notices first.
  const { changed: offline } = seen[4] as { changed: { reason: string; offlineSinceMs: string } };
  assert.match(offline.reason, new RegExp(`^dutagent at ${two.address} does not answer the server: `));
  assert.ok(Math.abs(Number(offline.offlineSinceMs) - Date.now()) < 60_000);
  assert.deepEqual(seen.with(4, { changed: { ...offline, reason: "…", offlineSinceMs: "…" } }), [
    { snapshot: { devices: [named("a"), named("b")] } },
    { changed: { name: "a", state: "DEVICE_STATE_LOCKED", lock: { owner: "bob@h" } } },
    { changed: named("c") },
    {
      changed: {
        name: "b",
        state: "DEVICE_STATE_OFFLINE",
        reason: `dutagent at ${oneAddress} does not have it any more`,
      },
    },
    { changed: { name: "c", state: "DEVICE_STATE_OFFLINE", reason: "…", offlineSinceMs: "…" } },
    { changed: named("c") },
    { removed: "b" },
  ]);
});

test("an agent that was lost is looked for as soon as it registers again", async () => {
  await using relay = await openRelay({ retryMs: 60_000 });
  const first = await relay.agent(["a"], labAgent(device("a")).routes);
  await using watch = events(relay.client.lab.watch({}));
  await watch.next();
  await first[Symbol.asyncDispose]();
  await watch.next();
  await relay.agent(["a"], labAgent(device("a")).routes, first.address);
  assert.deepEqual(await watch.next(), { changed: named("a") });
});

test("a watch of one device hears of no other, and one of a device that nobody has is refused", async () => {
  await using relay = await openRelay();
  const agent = labAgent(device("a"), device("b"));
  await relay.agent(["a", "b"], agent.routes);
  await using watch = events(relay.client.lab.watch({ device: "a" }));
  const snapshot = await watch.next();
  agent.remove("b");
  agent.set(locked);
  assert.deepEqual(
    [snapshot, await watch.next()],
    [
      { snapshot: { devices: [named("a")] } },
      { changed: { name: "a", state: "DEVICE_STATE_LOCKED", lock: { owner: "bob@h" } } },
    ],
  );
  await assert.rejects(events(relay.client.lab.watch({ device: "x" })).next(), {
    code: "not_found",
    message: 'device "x" not found',
  });
});

test("all watchers share one watch of each agent", async () => {
  await using relay = await openRelay();
  const agent = labAgent(device("a"));
  await relay.agent(["a"], agent.routes);
  await using first = events(relay.client.lab.watch({}));
  await using second = events(relay.client.lab.watch({}));
  await Promise.all([first.next(), second.next()]);
  assert.equal(agent.watches, 1);
});

test("a watcher that does not read hears of a device what it is in the end, once", async () => {
  await using relay = await openRelay();
  const agent = labAgent(device("a"), device("b"));
  await relay.agent(["a", "b"], agent.routes);
  await using quick = events(relay.client.lab.watch({}));
  await quick.next();
  const slow = relay.lab.inventory.watch("lab", undefined, AbortSignal.timeout(60_000));
  await slow.next();
  for (let round = 0; round < 100; round++) {
    agent.set(device("a", { description: `${round}` }));
  }
  agent.set(device("b", { description: "last" }));
  for (let told: unknown; told !== "b"; ) {
    told = ((await quick.next()) as { changed: { name: string } }).changed.name;
  }
  const heard = [await slow.next(), await slow.next()].map(({ value }) => value.event.value);
  assert.deepEqual(
    heard.map(({ name, description }) => [name, description]),
    [
      ["a", "99"],
      ["b", "last"],
    ],
  );
  await slow.return(undefined);
});

test("an old agent is asked again and again, and one that is silent does not keep the snapshot waiting", async () => {
  await using relay = await openRelay({ firstMs: 200 });
  const old = oldAgent();
  await relay.agent(["old-busy", "old-free"], old.routes);
  await shown(relay, "old-busy", DeviceState.BUSY);
  const answer = Promise.withResolvers<never>();
  const silent = await relay.agent(["silent"], (router) =>
    router.rpc(LabService.method.watch, async function* () {
      yield await answer.promise;
    }),
  );
  await using watch = events(relay.client.lab.watch({}));
  const { snapshot } = (await watch.next()) as { snapshot: { devices: { name: string; offlineSinceMs?: string }[] } };
  old.free("old-busy");
  const change = await watch.next();
  answer.reject(new DutError("internal", "the test is over"));
  assert.deepEqual(change, { changed: named("old-busy") });
  const { changed: refused } = (await watch.next()) as { changed: { reason: string } };
  assert.equal(refused.reason, `dutagent at ${silent.address}: the test is over`);
  const { offlineSinceMs } = snapshot.devices[2] ?? {};
  assert.deepEqual(snapshot, {
    devices: [
      { name: "old-busy", state: "DEVICE_STATE_BUSY", hold: { owner: "bob@h", sinceMs: "5000" } },
      named("old-free"),
      {
        name: "silent",
        state: "DEVICE_STATE_OFFLINE",
        reason: `dutagent at ${silent.address} has not answered the server yet`,
        offlineSinceMs,
      },
    ],
  });
});
