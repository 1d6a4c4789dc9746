import assert from "node:assert/strict";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { failingStore } from "../test/failing-store.ts";
import { arrival, presence, registryAt } from "../test/registry-cast.ts";

const many = Array.from({ length: 300 }, (_, index) => `board-${index}`);

test("an agent with hundreds of devices that is called another name leaves nothing behind", async (t) => {
  const store = memoryStore();
  using registry = await registryAt(t, "one", store);
  const { epoch } = await registry.attach(arrival("old", many, "K"), presence("old"));
  await registry.detach("old", epoch, "renamed");
  const attached = await registry.attach(arrival("new", many, "K"), presence("new"));
  assert.deepEqual([attached.refused, registry.recordOf("old")?.devices], [[], []]);
  using again = await registryAt(t, "two", store);
  assert.deepEqual(new Set(many.map((name) => again.deviceOf(name).agent)), new Set(["new"]));
});

test("of two agents that want a device of an agent that is gone, one gets it and the other is told so", async (t) => {
  using registry = await registryAt(t, "one", memoryStore());
  await registry.attach(arrival("192.0.2.9:1024", ["board"], ""), presence("192.0.2.9:1024"));
  const gone = Promise.withResolvers<boolean>();
  const both = ["a", "b"].map((name) => registry.attach(arrival(name, ["board"]), presence(name), () => gone.promise));
  gone.resolve(true);
  const refusals = (await Promise.all(both)).map(({ refused }) => refused.length);
  assert.deepEqual(refusals.toSorted(), [0, 1]);
});

test("an agent that owns what it could not announce whole is known, and can be removed", async (t) => {
  const store = failingStore(memoryStore());
  using registry = await registryAt(t, "one", store);
  const full = new DutError("resource_exhausted", "no space left");
  let changes = 0;
  const change = store.change.bind(store);
  store.change = (steps) => (++changes > 1 ? Promise.reject(full) : change(steps));
  await assert.rejects(registry.attach(arrival("bench", many), presence("bench")), full);
  store.change = change;
  assert.deepEqual([registry.agents, registry.owners.length > 0], [["bench"], true]);
  await registry.detach("bench", 1, "refused");
  using other = await registryAt(t, "two", store);
  await other.remove("bench");
  assert.deepEqual([other.agents, other.owners], [[], []]);
});

test("a name that was released while its agent is here stays so when the agent announces other devices", async (t) => {
  using registry = await registryAt(t, "one", memoryStore());
  const { epoch } = await registry.attach(arrival("bench", ["board"]), presence("bench"));
  await registry.release("bench");
  await registry.announce("bench", epoch, arrival("bench", ["board", "plank"]).devices);
  assert.equal(registry.recordOf("bench")?.key, "");
});

test("what the store did not take is told to it later, and the session goes on as it was", async (t) => {
  const store = failingStore(memoryStore());
  using registry = await registryAt(t, "one", store);
  const bench = presence("bench");
  const { epoch } = await registry.attach(arrival("bench", ["board"]), bench);
  store.refuse(new DutError("unavailable", "the store is away"));
  await assert.rejects(registry.announce("bench", epoch, arrival("bench", ["board", "plank"]).devices));
  store.recover();
  assert.equal((await bench.review).epoch, epoch);
  const next = await registry.announce("bench", epoch, arrival("bench", ["plank"]).devices);
  assert.deepEqual([next.epoch, registry.devices], [epoch, ["plank"]]);
});

test("a server that tells the store late takes no agent from the server that it has gone to", async (t) => {
  const store = memoryStore();
  const failing = failingStore(store);
  using one = await registryAt(t, "one", failing);
  using two = await registryAt(t, "two", store);
  const { epoch } = await one.attach(arrival("bench", ["board"]), presence("bench"));
  failing.refuse(new DutError("unavailable", "the store is away"));
  await assert.rejects(one.announce("bench", epoch, arrival("bench", ["board", "plank"]).devices));
  const moved = presence("bench");
  await two.attach(arrival("bench", ["board"]), moved);
  failing.recover();
  // Behind whatever the first server does about the agent.
  await one.detach("bench", epoch, "the connection was lost");
  assert.deepEqual([moved.told, two.placeOf("bench").kind, two.recordOf("bench")?.server], [[], "here", "two"]);
});
