import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Store } from "#pkg/store/store.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { arrival, presence, registryAt } from "../test/registry-cast.ts";
import { keys } from "./agent-record.ts";
import type { Registry } from "./registry.ts";

function openAt(t: TestContext, server: string, shared: Store = memoryStore(), now = () => 1_000) {
  return registryAt(t, server, shared, now);
}

test("devices of all agents are listed by their bytes and found at their agent", async (t) => {
  using registry = await openAt(t, "one");
  await registry.attach(arrival("first", ["ä", "b", "🪵", "\u{ff5e}"]), presence("first"));
  await registry.attach(arrival("second", ["B", "a"]), presence("second"));
  assert.deepEqual(registry.devices, ["B", "a", "b", "ä", "\u{ff5e}", "🪵"]);
  assert.equal(registry.deviceOf("a").agent, "second");
  assert.throws(() => registry.deviceOf("c"), { code: "not_found", message: 'device "c" not found' });
});

test("an agent's name is its key's for ever, and another key changes nothing", async (t) => {
  const shared = memoryStore();
  {
    using registry = await openAt(t, "one", shared);
    await registry.attach(arrival("bench", ["board"]), presence("bench"));
  }
  using registry = await openAt(t, "two", shared);
  const refusal = registry.attach(arrival("bench", ["board", "loot"], "another"), presence("bench"));
  await assert.rejects(refusal, {
    code: "already_exists",
    message: 'agent name "bench" belongs to another key, key of bench',
  });
  assert.deepEqual([registry.devices, registry.placeOf("bench").kind], [["board"], "offline"]);
});

test("a device that another agent owns is refused by itself, and the rest is taken", async (t) => {
  using registry = await openAt(t, "one");
  await registry.attach(arrival("bench", ["board"]), presence("bench"));
  assert.deepEqual(await registry.attach(arrival("rogue", ["board", "own"]), presence("rogue")), {
    epoch: 1,
    refused: [{ name: "board", reason: 'device "board" belongs to agent "bench"' }],
  });
  assert.deepEqual(
    ["board", "own"].map((device) => registry.deviceOf(device).agent),
    ["bench", "rogue"],
  );
});

test("the same agent takes the place of its old session at once, whose end means nothing any more", async (t) => {
  using registry = await openAt(t, "one");
  const [before, after] = [presence("bench"), presence("bench")];
  await registry.attach(arrival("bench", ["board"]), before);
  assert.equal((await registry.attach(arrival("bench", ["board"]), after)).epoch, 2);
  await registry.detach("bench", 1, "the connection was lost");
  assert.deepEqual(before.told, ["the agent has a new session"]);
  assert.deepEqual([registry.placeOf("bench"), after.told], [{ kind: "here", agent: after.agent }, []]);
});

test("of ten agents that race for one new name one gets it, and keeps it", async (t) => {
  const shared = memoryStore();
  using one = await openAt(t, "one", shared);
  using two = await openAt(t, "two", shared);
  const rivals = Array.from({ length: 10 }, (_, index) => `agent-${index}`);
  const outcomes = await Promise.all(
    rivals.map((name, index) => (index % 2 === 0 ? one : two).attach(arrival(name, ["board"]), presence(name))),
  );
  const winners = rivals.filter((_, index) => outcomes[index]?.refused.length === 0);
  using later = await openAt(t, "three", shared);
  assert.deepEqual([winners.length, later.deviceOf("board").agent], [1, winners[0]]);
});

test("of two sessions of one agent at two servers at once, the epochs differ and the later one stays", async (t) => {
  const shared = memoryStore();
  using one = await openAt(t, "one", shared);
  using two = await openAt(t, "two", shared);
  const [atOne, atTwo] = [presence("bench"), presence("bench")];
  const epochs = await Promise.all([
    one.attach(arrival("bench", ["board"]), atOne),
    two.attach(arrival("bench", ["board"]), atTwo),
  ]);
  const [later] = epochs[0].epoch > epochs[1].epoch ? ["one"] : ["two"];
  assert.deepEqual(epochs.map(({ epoch }) => epoch).toSorted(), [1, 2]);
  await shared.put(keys.server("one"), '{"address":"a"}');
  await shared.put(keys.server("two"), '{"address":"b"}');
  await told(one, ({ servers }) => servers.size === 2);
  await told(two, ({ servers }) => servers.size === 2);
  assert.deepEqual(
    [one.placeOf("bench").kind, two.placeOf("bench").kind],
    later === "one" ? ["here", "elsewhere"] : ["elsewhere", "here"],
  );
  assert.deepEqual(
    [atOne.told, atTwo.told],
    later === "one"
      ? [[], ["the agent has a session at another server"]]
      : [["the agent has a session at another server"], []],
  );
});

test("an agent that is gone is offline since then with the reason, also for the next start of the server", async (t) => {
  const shared = memoryStore();
  {
    using registry = await openAt(t, "one", shared);
    const { epoch } = await registry.attach(arrival("bench", ["board"]), presence("bench"));
    await registry.detach("bench", epoch, "the cable was pulled");
  }
  using registry = await openAt(t, "two", shared, () => 5_000);
  assert.deepEqual(registry.placeOf("bench"), { kind: "offline", since: 1_000, reason: "the cable was pulled" });
  assert.deepEqual(registry.devices, ["board"]);
});

test("an agent whose server ended without a word is offline", async (t) => {
  const shared = memoryStore();
  {
    using registry = await openAt(t, "one", shared);
    await registry.attach(arrival("bench", ["board"]), presence("bench"));
  }
  using registry = await openAt(t, "two", shared, () => 5_000);
  assert.deepEqual(registry.placeOf("bench"), {
    kind: "offline",
    since: 5_000,
    reason: "the server that had it has stopped",
  });
});

test("other devices take the place of those before, and what is not announced any more stays its owner's", async (t) => {
  using registry = await openAt(t, "one");
  const { epoch } = await registry.attach(arrival("bench", ["old", "kept"]), presence("bench"));
  await registry.announce("bench", epoch, arrival("bench", ["kept", "new"]).devices);
  assert.deepEqual([registry.devices, registry.ownerOf("old")], [["kept", "new"], "bench"]);
  await assert.rejects(registry.announce("bench", epoch - 1, []), { code: "aborted" });
});

test("an administrator gives a device to another agent, and both are told", async (t) => {
  using registry = await openAt(t, "one");
  const [bench, other] = [presence("bench"), presence("other")];
  await registry.attach(arrival("bench", ["board"]), bench);
  await registry.attach(arrival("other", ["board"]), other);
  await registry.transfer("board", "other");
  const reviews = await Promise.all([bench.review, other.review]);
  assert.equal(registry.deviceOf("board").agent, "other");
  assert.deepEqual(
    reviews.map(({ refused }) => refused),
    [[{ name: "board", reason: 'device "board" belongs to agent "other"' }], []],
  );
  await assert.rejects(registry.transfer("board", "nobody"), { code: "not_found" });
});

test("an agent that is called another name takes its devices along", async (t) => {
  using registry = await openAt(t, "one");
  const { epoch } = await registry.attach(arrival("bench", ["board"], "its key"), presence("bench"));
  await registry.detach("bench", epoch, "renamed");
  const { refused } = await registry.attach(arrival("left-bench", ["board"], "its key"), presence("left-bench"));
  assert.deepEqual([refused, registry.deviceOf("board").agent], [[], "left-bench"]);
});

test("a device that was released is the next agent's that claims it", async (t) => {
  using registry = await openAt(t, "one");
  const { epoch } = await registry.attach(arrival("bench", ["board"]), presence("bench"));
  await registry.announce("bench", epoch, []);
  await registry.transfer("board", undefined);
  const { refused } = await registry.attach(arrival("other", ["board"]), presence("other"));
  assert.deepEqual([refused, registry.ownerOf("board")], [[], "other"]);
});

test("an agent with a thousand devices claims all of them", async (t) => {
  using registry = await openAt(t, "one");
  const names = Array.from({ length: 1_000 }, (_, index) => `board-${index}`);
  const { refused } = await registry.attach(arrival("bench", names), presence("bench"));
  assert.deepEqual([refused, registry.devices.length, registry.owners.length], [[], 1_000, 1_000]);
});

/** Resolves when it is so; whatever the registry tells of is a reason to look. */
async function told(registry: Registry, isSo: (registry: Registry) => boolean): Promise<void> {
  while (!isSo(registry)) {
    const { promise, resolve } = Promise.withResolvers<void>();
    using _ = registry.onChange(() => resolve());
    await promise;
  }
}
