import assert from "node:assert/strict";
import { realpath } from "node:fs/promises";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import { type Daemon, Lab, shellCommand } from "#test/support/lab.ts";
import { openPtyPair, withoutSocat } from "#test/support/pty-pair.ts";
import { openRollCall } from "#test/support/roll-call.ts";

const board = { cmds: { sh: shellCommand } };

function connect({ address }: Daemon, identity: string | undefined): Connection {
  return connectTo(parseAddress(address), { identity });
}

/** "granted", or how it was refused. */
async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "granted";
  } catch (error) {
    return error instanceof DutError ? `${error.code}: ${error.message}` : String(error);
  }
}

test("the old protocol's codes and texts, at an agent and through a server", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const agent = await lab.agent({ board, other: board }, "-server", server.address);
  for (const [device, peer] of [
    ["board", agent],
    ["other", server],
  ] as const) {
    using alice = connect(peer, "alice@h");
    using bob = connect(peer, "bob@h");
    using nobody = connect(peer, undefined);
    const lock = (who: Connection, durationSeconds: bigint, name: string = device) =>
      who.devices.lock({ device: name, durationSeconds });
    const unlock = (who: Connection, force = false, name: string = device) =>
      who.devices.unlock({ device: name, force });
    const missing = peer === agent ? 'device "none": no such device' : 'device "none" not found';
    const locked = `device "${device}" is locked by "alice@h" for 30m`;
    const nameless = "unauthenticated: operation requires an identified caller; set the From header";
    assert.deepEqual(
      [
        await outcome(lock(nobody, 0n)),
        await outcome(unlock(nobody)),
        await outcome(unlock(nobody, true)),
        await outcome(lock(alice, 0n, "none")),
        await outcome(lock(alice, -1n)),
        await outcome(unlock(alice)),
      ],
      [
        nameless,
        nameless,
        nameless,
        `not_found: ${missing}`,
        "invalid_argument: lock duration must be positive",
        "failed_precondition: device is not locked",
      ],
    );
    const asked = Date.now();
    const granted = await lock(alice, 0n);
    const { owner, lockedAt = 0n, expiresAt = 0n } = granted.lock ?? {};
    assert.deepEqual([granted.device, owner, expiresAt - lockedAt], [device, "alice@h", 1800n]);
    assert.ok(Math.abs(Number(lockedAt) * 1000 - asked) < 10_000);
    assert.deepEqual(
      [
        (await lock(alice, 60n)).lock,
        (await bob.devices.list({})).devices.find(({ name }) => name === device)?.lock,
        await outcome(lock(bob, 1n)),
        await outcome(unlock(bob)),
        await outcome(unlock(alice)),
        await outcome(unlock(alice)),
        await outcome(lock(bob, 1n)),
        await outcome(unlock(alice, true)),
        await outcome(unlock(alice, true)),
      ],
      [
        granted.lock,
        granted.lock,
        `failed_precondition: ${locked}`,
        `permission_denied: ${locked}`,
        "granted",
        "failed_precondition: device is not locked",
        "granted",
        "granted",
        "granted",
      ],
    );
  }
});

test("what users see of locks: at a terminal, in lists and when they are refused", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const agent = await lab.agent({ board }, "-server", server.address);
  const as = (user: string, ...words: string[]) => lab.dutctl(["-s", server.address, "-u", user, ...words]);
  const locked = 'device "board" is locked by "alice@h" for 25m';
  const wait = "  -wait waits until it is free\n";
  assert.deepEqual(
    [
      await as("alice@h", "board", "lock", "25m"),
      await lab.dutctl(["-s", agent.address]),
      await as("bob@h", "board", "sh", "echo never"),
      await as("bob@h", "board", "lock"),
      await as("bob@h", "board", "unlock"),
      await as("alice@h", "board", "sh", "echo mine"),
      await as("alice@h", "board", "unlock"),
    ],
    [
      { code: 0, stdout: '✓ Device "board" locked by "alice@h" for 25m\n', stderr: "" },
      { code: 0, stdout: '- board [locked by "alice@h" for 25m]\n', stderr: "" },
      { code: 123, stdout: "", stderr: `✗ ${locked}\n${wait}` },
      { code: 123, stdout: "", stderr: `✗ ${locked}\n${wait}` },
      { code: 126, stdout: "", stderr: `✗ ${locked}\n` },
      { code: 0, stdout: "mine\n", stderr: "" },
      { code: 0, stdout: '✓ Device "board" unlocked\n', stderr: "" },
    ],
  );
});

test("the same user does not run two commands on a device at once", async (t) => {
  await using lab = await Lab.open(t.signal);
  await using roll = await openRollCall();
  const agent = await lab.agent({ board });
  const run = (line: string) => ["-s", agent.address, "-u", "alice@h", "board", "sh", line];
  const first = lab.start("dutctl", run(roll.attend("first")));
  await roll.came("first");
  const second = await lab.dutctl(run("echo second"));
  assert.deepEqual(
    [second, roll.present("first")],
    [
      {
        code: 123,
        stdout: "",
        stderr: '✗ device "board" is locked by "alice@h"\n  it is in use by a command; -wait waits until it is free\n',
      },
      true,
    ],
  );
  first.kill("SIGINT");
  await first.ended;
});

for (const protocol of ["v1", "lab"]) {
  test(`force cancels the run, waits until its program is gone, and tells its owner, in ${protocol}`, async (t) => {
    await using lab = await Lab.open(t.signal);
    await using roll = await openRollCall();
    const server = await lab.server();
    const agent = await lab.agent({ board }, "-server", server.address);
    const as = (user: string, ...words: string[]) => [
      ...["-s", server.address, "-protocol", protocol, "-u", user, "board"],
      ...words,
    ];
    await lab.dutctl(as("alice@h", "lock"));
    const run = lab.start("dutctl", as("alice@h", "sh", roll.attend("work", "deaf")));
    await roll.came("work");
    using bob = connect(server, "bob@h");
    const unlocking = lab.dutctl(as("bob@h", "unlock", "force"));
    await agent.said("stderr", /"msg":"device unlocked by force"/);
    const meanwhile = await outcome(bob.lab.lock({ device: "board" }));
    const wasThere = roll.present("work");
    const unlocked = await unlocking;
    const isThere = roll.present("work");
    assert.deepEqual(
      [meanwhile, wasThere, unlocked.code, isThere],
      ['failed_precondition: device "board" is locked by "alice@h"', true, 0, false],
    );
    assert.deepEqual(
      [
        await lab.dutctl(as("bob@h", "sh", "echo free")),
        await run.ended,
        (await lab.dutctl(as("alice@h", "unlock"))).stderr,
      ],
      [
        { code: 0, stdout: "free\n", stderr: "" },
        { code: 1, stdout: "", stderr: '✗ "bob@h" unlocked device "board" by force\n' },
        '✗ device is not locked ("bob@h" ended your reservation by force 0m ago)\n',
      ],
    );
  });
}

test("force is done within two seconds with a program that ends when it is told to", async (t) => {
  await using lab = await Lab.open(t.signal);
  await using roll = await openRollCall();
  const agent = await lab.agent({ board });
  const run = lab.start("dutctl", ["-s", agent.address, "-u", "alice@h", "board", "sh", roll.attend("work")]);
  await roll.came("work");
  using bob = connect(agent, "bob@h");
  const asked = performance.now();
  const { hold } = await bob.lab.unlock({ device: "board", force: true });
  const took = performance.now() - asked;
  assert.deepEqual([hold?.owner, hold?.command, roll.present("work")], ["alice@h", "sh", false]);
  assert.ok(took < 2_000, `${took} ms`);
  assert.equal((await run.ended).stderr, '✗ "bob@h" unlocked device "board" by force\n');
});

test("force keep ends the reservation and tells the run's owner, whose run goes on alone", async (t) => {
  await using lab = await Lab.open(t.signal);
  await using roll = await openRollCall();
  const agent = await lab.agent({ board });
  const as = (user: string, ...words: string[]) => ["-s", agent.address, "-u", user, "board", ...words];
  await lab.dutctl(as("alice@h", "lock"));
  const run = lab.start("dutctl", as("alice@h", "sh", roll.attend("work")));
  await roll.came("work");
  const unlocked = await lab.dutctl(as("bob@h", "unlock", "force", "keep"));
  await run.said("stderr", /"bob@h" unlocked device "board" by force/);
  const refused = await lab.dutctl(as("bob@h", "sh", "echo too early"));
  assert.deepEqual(
    [unlocked.code, refused.code, refused.stderr.split("\n")[0], roll.present("work")],
    [0, 123, '✗ device "board" is locked by "alice@h"', true],
  );
  run.kill("SIGINT");
  await run.ended;
  await roll.gone("work");
});

test("force keep says nothing to a run whose device nobody has reserved", async (t) => {
  await using lab = await Lab.open(t.signal);
  await using roll = await openRollCall();
  const agent = await lab.agent({ board });
  const as = (user: string, ...words: string[]) => ["-s", agent.address, "-u", user, "board", ...words];
  const run = lab.start("dutctl", as("alice@h", "sh", roll.attend("work")));
  await roll.came("work");
  using bob = connect(agent, "bob@h");
  const unlock = () => bob.lab.unlock({ device: "board", force: true, keepRun: true });
  const owners = [];
  for (const answer of [await unlock(), await unlock()]) {
    owners.push([answer.lock?.owner, answer.hold?.owner]);
  }
  await lab.dutctl(as("alice@h", "lock"));
  await unlock();
  await run.said("stderr", /unlocked/);
  run.kill("SIGINT");
  const { stderr } = await run.ended;
  const { stderr: logged } = await agent.stop();
  assert.deepEqual(
    [owners, stderr.match(/unlocked device/g)?.length, logged.match(/"device unlocked by force"/g)?.length],
    [
      [
        [undefined, "alice@h"],
        [undefined, "alice@h"],
      ],
      1,
      1,
    ],
  );
});

test("two devices on one serial port have one user at a time, by whatever names they know it", {
  skip: withoutSocat,
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  await using pair = await openPtyPair();
  const port = await realpath(pair.device);
  const left = { cmds: { console: { uses: [{ module: "serial", passthrough: true, with: { port: pair.device } }] } } };
  const right = {
    cmds: {
      console: { uses: [{ module: "serial", passthrough: true, with: { port } }] },
      sh: shellCommand,
    },
  };
  const agent = await lab.agent({ left, right });
  const as = (user: string, ...words: string[]) => ["-s", agent.address, "-u", user, ...words];
  const run = lab.start("dutctl", as("alice@h", "left", "console"));
  await run.said("stdout", /Connected/);
  const console = await lab.dutctl(as("bob@h", "right", "console", "-t", "1ms"));
  const shell = await lab.dutctl(as("bob@h", "right", "sh", "echo no port needed"));
  const lock = await lab.dutctl(as("bob@h", "right", "lock"));
  run.kill("SIGINT");
  await run.ended;
  await lab.dutctl(as("alice@h", "left", "lock", "25m"));
  const reserved = await lab.dutctl(as("bob@h", "right", "console", "-t", "1ms"));
  const first = ({ code, stderr }: { code: number | null; stderr: string }) => [code, stderr.split("\n")[0]];
  const inUse = `✗ device "right" is locked by "alice@h": serial port ${port} is in use through device "left"`;
  assert.deepEqual(
    [first(console), shell.stdout, first(lock), first(reserved)],
    [
      [123, inUse],
      "no port needed\n",
      [123, inUse],
      [123, `✗ device "right" is locked by "alice@h" for 25m: serial port ${port} is reserved through device "left"`],
    ],
  );
});
