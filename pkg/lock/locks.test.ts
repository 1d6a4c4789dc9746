import assert from "node:assert/strict";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { type ManualClock, manualClock } from "#test/support/manual-clock.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { Locks } from "./locks.ts";

const minute = 60_000;

async function openLocks({ clock = manualClock(5_000), store = memoryStore() } = {}) {
  const resourcesOf = (device: string) =>
    ({ port1: ["serial port /dev/x"], port2: ["serial port /dev/x"] })[device] ?? [];
  return { clock, store, locks: await Locks.open({ store, clock, resourcesOf }) };
}

function run(device: string, owner: string, ...resources: readonly string[]) {
  return { device, owner, resources, runId: "1", command: "go" };
}

/** What becomes of something that may be refused. */
async function outcome(attempt: () => unknown): Promise<string> {
  try {
    await attempt();
    return "granted";
  } catch (error) {
    assert.ok(error instanceof DutError, String(error));
    return `${error.code}: ${error.message}${error.hint === undefined ? "" : ` (${error.hint})`}`;
  }
}

test("a device is held by one run until that run lets go, and letting go twice is harmless", async () => {
  const { locks } = await openLocks();
  const first = locks.hold(run("board", "alice@h"));
  assert.deepEqual(locks.holdOf("board"), { ...run("board", "alice@h"), since: 5_000 });
  for (const owner of ["bob@h", "alice@h"]) {
    assert.equal(
      await outcome(() => locks.hold(run("board", owner))),
      'failed_precondition: device "board" is locked by "alice@h"',
    );
  }
  locks.hold(run("other", "bob@h"));
  first[Symbol.dispose]();
  locks.hold(run("board", "bob@h"));
  first[Symbol.dispose]();
  assert.equal(locks.holdOf("board")?.owner, "bob@h");
});

test("a reservation keeps others away for 30 minutes and lets its owner's run in", async () => {
  const { locks, clock } = await openLocks();
  const reserved = await locks.reserve("board", "alice@h");
  clock.pass(5 * minute);
  const locked = 'device "board" is locked by "alice@h" for 25m';
  assert.deepEqual(
    [
      reserved,
      locks.reservationOf("board"),
      await outcome(() => locks.hold(run("board", "bob@h"))),
      await outcome(() => locks.reserve("board", "bob@h")),
      await outcome(() => locks.release("board", "bob@h")),
      await outcome(() => locks.hold(run("board", "alice@h"))),
    ],
    [
      { owner: "alice@h", since: 5_000, until: 5_000 + 30 * minute },
      reserved,
      `failed_precondition: ${locked}`,
      `failed_precondition: ${locked}`,
      `permission_denied: ${locked}`,
      "granted",
    ],
  );
});

test("a reservation is prolonged and never shortened, and its beginning stays", async () => {
  const { locks, clock } = await openLocks();
  await locks.reserve("board", "alice@h", 30 * minute);
  clock.pass(10 * minute);
  const shorter = await locks.reserve("board", "alice@h", minute);
  const longer = await locks.reserve("board", "alice@h", 60 * minute);
  assert.deepEqual(
    [shorter, longer],
    [
      { owner: "alice@h", since: 5_000, until: 5_000 + 30 * minute },
      { owner: "alice@h", since: 5_000, until: 5_000 + 70 * minute },
    ],
  );
});

test("less than a second is a second, and no time or a century is refused", async () => {
  const { locks } = await openLocks();
  assert.deepEqual(
    [
      (await locks.reserve("board", "alice@h", 1)).until,
      ...(await Promise.all(
        [0, -5, Number.NaN, 1e15].map((duration) => outcome(() => locks.reserve("other", "alice@h", duration))),
      )),
    ],
    [
      6_000,
      "invalid_argument: lock duration must be positive",
      "invalid_argument: lock duration must be positive",
      "invalid_argument: lock duration must be positive",
      "invalid_argument: lock duration must not be longer than 100 years",
    ],
  );
});

test("who runs a command may reserve its device, and nobody else may", async () => {
  const { locks } = await openLocks();
  locks.hold(run("board", "alice@h"));
  assert.deepEqual(
    [await outcome(() => locks.reserve("board", "bob@h")), await outcome(() => locks.reserve("board", "alice@h"))],
    ['failed_precondition: device "board" is locked by "alice@h"', "granted"],
  );
});

test("what was released is free at once, and what is not reserved cannot be released", async () => {
  const { locks } = await openLocks();
  await locks.reserve("board", "alice@h");
  assert.equal((await locks.release("board", "alice@h")).owner, "alice@h");
  assert.deepEqual(
    [await outcome(() => locks.release("board", "alice@h")), await outcome(() => locks.reserve("board", "bob@h"))],
    ["failed_precondition: device is not locked", "granted"],
  );
});

test("a reservation ends when its time is over, is told, and a run that goes on is not touched", async () => {
  const { locks, clock, store } = await openLocks();
  await locks.reserve("board", "alice@h", minute);
  locks.hold(run("board", "alice@h"));
  const told: string[] = [];
  locks.onChange((device) => told.push(device));
  clock.pass(minute - 1);
  const before = [told.length, locks.reservationOf("board")?.owner];
  clock.pass(1);
  assert.deepEqual(
    [before, told, locks.reservationOf("board"), locks.holdOf("board")?.owner, await store.list("")],
    [[0, "alice@h"], ["board"], undefined, "alice@h", []],
  );
});

test("setting the wall clock neither lengthens nor shortens a reservation, and it is shown in the new time", async () => {
  for (const hours of [-1, 1]) {
    const { locks, clock } = await openLocks();
    clock.set(1e12);
    await locks.reserve("board", "alice@h", 30 * minute);
    clock.set(1e12 + hours * 60 * minute);
    clock.pass(20 * minute);
    const shown = locks.reservationOf("board");
    const refusal = await outcome(() => locks.hold(run("board", "bob@h")));
    clock.pass(10 * minute);
    const now = 1e12 + hours * 60 * minute;
    assert.deepEqual(
      [shown, refusal, locks.reservationOf("board")],
      [
        { owner: "alice@h", since: now, until: now + 30 * minute },
        'failed_precondition: device "board" is locked by "alice@h" for 10m',
        undefined,
      ],
    );
  }
});

const restarts: readonly [what: string, happens: (clock: ManualClock) => void, left: number | undefined][] = [
  ["a restart", (clock) => clock.pass(4 * minute), 26 * minute],
  ["a restart while the wall clock is set", (clock) => clock.set(77), 30 * minute],
  ["a restart after its end", (clock) => clock.pass(31 * minute), undefined],
  [
    "a reboot of three minutes",
    (clock) => {
      clock.reboot();
      clock.pass(3 * minute);
    },
    27 * minute,
  ],
  [
    "a reboot with the wall clock of 1970",
    (clock) => {
      clock.reboot();
      clock.set(0);
    },
    30 * minute,
  ],
  [
    "a reboot that took longer than it",
    (clock) => {
      clock.reboot();
      clock.pass(45 * minute);
    },
    undefined,
  ],
];

for (const [what, happens, left] of restarts) {
  test(`a reservation has ${left === undefined ? "no time" : `${left / minute} minutes`} left after ${what}`, async () => {
    const { locks, clock, store } = await openLocks({ clock: manualClock(1e12) });
    await locks.reserve("board", "alice@h", 30 * minute);
    locks[Symbol.dispose]();
    happens(clock);
    const { locks: next } = await openLocks({ clock, store });
    const shown = next.reservationOf("board");
    assert.deepEqual(
      shown && { owner: shown.owner, left: shown.until - clock.wall(), length: shown.until - shown.since },
      left && { owner: "alice@h", left, length: 30 * minute },
    );
    clock.pass(left ?? 0);
    await new Promise(setImmediate);
    assert.deepEqual([next.reservationOf("board"), await store.list("")], [undefined, []]);
  });
}

test("force ends anybody's reservation and no hold, and its owner reads who it was, once", async () => {
  const { locks, clock } = await openLocks();
  await locks.reserve("board", "alice@h");
  const held = locks.hold(run("board", "alice@h"));
  const ended = await locks.releaseByForce("board", "bob@h");
  clock.pass(2 * minute);
  assert.deepEqual(
    [
      ended?.owner,
      await locks.releaseByForce("board", "bob@h"),
      await outcome(() => locks.hold(run("board", "bob@h"))),
      await outcome(() => locks.release("board", "alice@h")),
      await outcome(() => locks.release("board", "alice@h")),
    ],
    [
      "alice@h",
      undefined,
      'failed_precondition: device "board" is locked by "alice@h"',
      'failed_precondition: device is not locked ("bob@h" ended your reservation by force 2m ago)',
      "failed_precondition: device is not locked",
    ],
  );
  held[Symbol.dispose]();
});

test("who reserves again after a forced end reads nothing of it any more, and somebody else's reservation changes nothing", async () => {
  const { locks } = await openLocks();
  const read = [];
  for (const next of ["alice@h", "carol@h"]) {
    await locks.reserve("board", "alice@h");
    await locks.releaseByForce("board", "bob@h");
    await locks.reserve("board", next);
    await locks.release("board", next);
    read.push(await outcome(() => locks.release("board", "alice@h")));
  }
  assert.deepEqual(read, [
    "failed_precondition: device is not locked",
    'failed_precondition: device is not locked ("bob@h" ended your reservation by force 0m ago)',
  ]);
});

test("hardware of two devices has one user at a time", async () => {
  const { locks } = await openLocks();
  const port = "serial port /dev/x";
  const held = locks.hold(run("port1", "alice@h", port));
  const inUse = `device "port2" is locked by "alice@h": ${port} is in use through device "port1"`;
  assert.deepEqual(
    [
      await outcome(() => locks.hold(run("port2", "alice@h", port))),
      await outcome(() => locks.hold(run("port2", "bob@h", "programmer 1", port))),
      await outcome(() => locks.reserve("port2", "bob@h")),
      await outcome(() => locks.hold(run("port2", "bob@h", "programmer 1"))),
    ],
    [`failed_precondition: ${inUse}`, `failed_precondition: ${inUse}`, `failed_precondition: ${inUse}`, "granted"],
  );
  assert.deepEqual(
    [locks.sharedHardwareOf("port2"), locks.sharedHardwareOf("port1")],
    [`${port} is in use through device "port1" by "alice@h"`, undefined],
  );
  held[Symbol.dispose]();
  assert.equal(await outcome(() => locks.hold(run("port1", "bob@h", port))), "granted");
});

test("a reservation covers what its device shares with others", async () => {
  const { locks } = await openLocks();
  const port = "serial port /dev/x";
  await locks.reserve("port1", "alice@h");
  const reserved = `device "port2" is locked by "alice@h" for 30m: ${port} is reserved through device "port1"`;
  assert.deepEqual(
    [
      await outcome(() => locks.hold(run("port2", "bob@h", port))),
      await outcome(() => locks.reserve("port2", "bob@h")),
      await outcome(() => locks.hold(run("port2", "alice@h", port))),
      await outcome(() => locks.reserve("port2", "alice@h")),
      await outcome(() => locks.reserve("board", "bob@h")),
    ],
    [`failed_precondition: ${reserved}`, `failed_precondition: ${reserved}`, "granted", "granted", "granted"],
  );
});

test("a device is reserved only when that is on the disk, and is kept for the asker until then", async () => {
  const store = memoryStore();
  const writing = Promise.withResolvers<number>();
  const { locks } = await openLocks({ store: { ...store, put: () => writing.promise } });
  const asked = locks.reserve("board", "alice@h");
  await Promise.resolve();
  const meanwhile = [locks.reservationOf("board"), await outcome(() => locks.hold(run("board", "bob@h")))];
  writing.reject(new DutError("resource_exhausted", "no space left"));
  assert.deepEqual(
    [meanwhile, await outcome(() => asked), await outcome(() => locks.hold(run("board", "bob@h")))],
    [
      [undefined, 'failed_precondition: device "board" is locked by "alice@h" for 30m'],
      "resource_exhausted: no space left",
      "granted",
    ],
  );
});

test("of a thousand who ask at once one is given the device", async () => {
  const { locks } = await openLocks();
  const asked = Array.from({ length: 1_000 }, (_, user) => outcome(() => locks.reserve("board", `user${user}`)));
  const outcomes = await Promise.all(asked);
  const owner = locks.reservationOf("board")?.owner;
  assert.deepEqual(
    outcomes.map((each) => (each === "granted" ? "granted" : each.replace(String(owner), "the owner"))).sort(),
    [...Array(999).fill('failed_precondition: device "board" is locked by "the owner" for 30m'), "granted"],
  );
});
