import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { LimitName } from "#pkg/metrics/limit-names.ts";
import { ConnectionBudget, type Guest } from "./connection-budget.ts";
import { limits } from "./limits.ts";

const { silent, connections, abuse } = limits;

/** What the budget sees of a socket. */
class Peer extends EventEmitter<{ close: [] }> {
  readonly remoteAddress: string;
  guest: Guest | undefined;
  destroyed = false;

  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }

  destroy(): this {
    if (!this.destroyed) {
      this.destroyed = true;
      this.emit("close");
    }
    return this;
  }

  get state(): "closed" | "waits" | "in" {
    return this.destroyed ? "closed" : this.guest === undefined ? "waits" : "in";
  }
}

/** A budget with a clock that the test moves. */
function open({ firstRequestMs = 60_000 } = {}) {
  const clock = { now: 0 };
  const hits: Partial<Record<LimitName, number>> = {};
  const budget = new ConnectionBudget({
    firstRequestMs,
    now: () => clock.now,
    onHit: (limit) => {
      hits[limit] = (hits[limit] ?? 0) + 1;
    },
  });
  const dial = (address: string): Peer => {
    const peer = new Peer(address);
    budget.admit(peer as never, (guest) => {
      peer.guest = guest;
    });
    return peer;
  };
  return {
    clock,
    hits,
    dial,
    dialAll: (count: number, address: string) => Array.from({ length: count }, () => dial(address)),
  };
}

function states(peers: readonly Peer[]): Partial<Record<Peer["state"], number>> {
  const counts: Partial<Record<Peer["state"], number>> = {};
  for (const { state } of peers) {
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return counts;
}

test("one source has as many silent connections as its budget, and others are served meanwhile", () => {
  const { dial, dialAll, hits } = open();
  const attackers = dialAll(1_000, "192.0.2.1");
  assert.deepEqual(
    [states(attackers), dial("192.0.2.2").state, hits],
    [{ in: silent.perSource, waits: 1_000 - silent.perSource }, "in", { silent_per_source: 1_000 - silent.perSource }],
  );
});

test("after a second of silence who comes next takes the place of the oldest, and some of those who wait do", () => {
  const { clock, dial, dialAll } = open();
  const attackers = dialAll(1_000, "192.0.2.1");
  const before = attackers.filter(({ state }) => state === "in");
  clock.now += silent.safeMs;
  const client = dial("192.0.2.1");
  assert.deepEqual(
    [client.state, before.map(({ state }) => state)],
    ["in", before.map((_, index) => (index <= silent.perSource / 4 ? "closed" : "in"))],
  );
});

test("those who wait do not push each other out, so that who comes next is served at once", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { clock, dial, dialAll } = open();
  dialAll(1_000, "192.0.2.1");
  for (let second = 0; second < 5; second += 1) {
    clock.now += silent.safeMs;
    t.mock.timers.tick(silent.safeMs);
    const client = dial("192.0.2.1");
    assert.equal(client.state, "in");
    client.guest?.spoke();
  }
});

test("who comes in the second in which a source is full is let in when it is over", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { clock, dial, dialAll } = open();
  dialAll(1_000, "192.0.2.1");
  clock.now += 0.3 * silent.safeMs;
  const client = dial("192.0.2.1");
  const before = client.state;
  clock.now += 0.7 * silent.safeMs;
  t.mock.timers.tick(0.7 * silent.safeMs);
  assert.deepEqual([before, client.state], ["waits", "in"]);
});

test("a thousand that come at once and speak are all served, without one being turned away", async () => {
  const { dialAll } = open();
  const agents = dialAll(1_000, "127.0.0.1");
  while (agents.some(({ state }) => state === "waits")) {
    for (const { guest } of agents) {
      guest?.spoke();
    }
    await setImmediate();
  }
  assert.deepEqual(states(agents), { in: 1_000 });
});

test("all sources together are bounded, and a newcomer takes the place of whoever has been silent the longest", () => {
  const { clock, dial } = open();
  const attackers = Array.from({ length: silent.total }, (_, index) => dial(`10.0.${index >> 8}.${index & 255}`));
  const early = dial("192.0.2.1").state;
  clock.now += silent.safeMs;
  const late = dial("192.0.2.2");
  assert.deepEqual([states(attackers), early, late.state], [{ in: silent.total - 2, closed: 2 }, "waits", "in"]);
});

test("more than may wait turn the oldest of them away", () => {
  const { dialAll, hits } = open();
  const attackers = dialAll(silent.perSource + silent.waiting + 5, "192.0.2.1");
  assert.deepEqual(states(attackers), { in: silent.perSource, waits: silent.waiting, closed: 5 });
  assert.equal(hits.waiting, 5);
});

test("a connection without a request is closed in time, wherever it waits, and one that has spoken is not", async () => {
  const { dialAll, dial, hits } = open({ firstRequestMs: 20 });
  const client = dial("192.0.2.2");
  client.guest?.spoke();
  const attackers = dialAll(silent.perSource + 1, "192.0.2.1");
  await Promise.all(attackers.map((attacker) => once(attacker, "close")));
  assert.deepEqual([states(attackers), client.state], [{ closed: silent.perSource + 1 }, "in"]);
  assert.equal(hits.first_request, silent.perSource + 1);
});

test("those that are examined leave their places to others, and for a proof the time of a first request does not count", async () => {
  const { dial, dialAll, hits } = open({ firstRequestMs: 20 });
  const agents = dialAll(silent.perSource, "192.0.2.1");
  for (const { guest } of agents) {
    guest?.examined();
  }
  const mute = dial("192.0.2.1");
  const before = mute.state;
  await once(mute, "close");
  assert.deepEqual([states(agents), before, hits], [{ in: silent.perSource }, "in", { first_request: 1 }]);
});

test("as many are examined as a source may have, and those beyond are silent for a second more", () => {
  const { clock, dial, dialAll } = open();
  const examined = Array.from({ length: limits.examined.perSource }, () => {
    const agent = dial("192.0.2.1");
    agent.guest?.examined();
    return agent;
  });
  const beyond = dialAll(silent.perSource, "192.0.2.1");
  clock.now += silent.safeMs;
  beyond[0]?.guest?.examined();
  const first = dial("192.0.2.1").state;
  assert.deepEqual([first, beyond.slice(0, 3).map(({ state }) => state)], ["in", ["in", "closed", "in"]]);
  examined[0]?.destroy();
  examined[1]?.guest?.spoke();
  beyond[2]?.guest?.examined();
  beyond[3]?.guest?.examined();
  const [next, another] = [dial("192.0.2.1").state, dial("192.0.2.1").state];
  assert.deepEqual([states(examined), next, another], [{ in: examined.length - 1, closed: 1 }, "in", "in"]);
});

test("all sources together are examined up to a limit", () => {
  const { dialAll } = open();
  const sources = Math.ceil(limits.examined.total / limits.examined.perSource);
  for (let source = 1; source <= sources; source++) {
    for (let each = 0; each < limits.examined.perSource; each++) {
      dialAll(1, `192.0.2.${source}`)[0]?.guest?.examined();
    }
  }
  const late = dialAll(silent.perSource, "192.0.2.100");
  for (const { guest } of late) {
    guest?.examined();
  }
  assert.deepEqual([states(late), states(dialAll(1, "192.0.2.100"))], [{ in: silent.perSource }, { waits: 1 }]);
});

test("connections that have spoken are bounded for a source, until one goes or is somebody else's", () => {
  const { dial } = open();
  const clients = Array.from({ length: connections.perSource }, () => {
    const client = dial("192.0.2.1");
    client.guest?.spoke();
    return client;
  });
  const refused = dial("192.0.2.1");
  clients[0]?.guest?.left();
  const accepted = dial("192.0.2.1");
  assert.deepEqual([states(clients), refused.state, accepted.state], [{ in: clients.length }, "closed", "in"]);
});

test("a source that abuses connections has none accepted for a minute, keeps what it has, and this machine keeps a few", () => {
  const { clock, dial, dialAll } = open();
  const good = dial("192.0.2.1");
  for (const address of ["192.0.2.1", "127.0.0.1"]) {
    for (const evil of dialAll(abuse.closed, address)) {
      evil.guest?.abused();
      evil.destroy();
    }
  }
  const during = [dial("192.0.2.1").state, dial("192.0.2.2").state, states(dialAll(10, "127.0.0.1"))];
  clock.now += abuse.penaltyMs;
  assert.deepEqual(
    [good.state, during, dial("192.0.2.1").state],
    ["in", ["closed", "in", { in: abuse.fromHere, waits: 10 - abuse.fromHere }], "in"],
  );
});

test("abuse that is long ago does not count", () => {
  const { clock, dial } = open();
  for (let time = 0; time < 2 * abuse.closed; time += 1) {
    const evil = dial("192.0.2.1");
    evil.guest?.abused();
    evil.destroy();
    clock.now += abuse.withinMs / (abuse.closed - 1);
  }
  assert.equal(dial("192.0.2.1").state, "in");
});
