import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, open, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { openFakeClock, withoutFakeClock } from "#test/support/fake-clock.ts";
import { type Daemon, Lab, shellCommand } from "#test/support/lab.ts";

const board = { cmds: { sh: shellCommand } };

/** The reservation of "board" as an agent tells it, with its end by the test's own watch, which nobody sets. */
async function reservationAt({ address }: Daemon) {
  using client = connectTo(parseAddress(address), { identity: "carol@h" });
  const { devices } = await client.lab.list({});
  const lock = devices.find(({ name }) => name === "board")?.lock;
  const watchMs = performance.now() - Date.now();
  return lock && { owner: lock.owner, sinceMs: Number(lock.sinceMs), endMs: Number(lock.untilMs) + watchMs };
}

function near(actual: number | undefined, expected: number): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 2_000, `${actual} is not within 2 s of ${expected}`);
}

test("a lock survives the death of its agent with its owner and its time", async (t) => {
  await using lab = await Lab.open(t.signal);
  const config = await lab.configuration({ board });
  const state = ["-state", lab.path("kept")];
  const first = await lab.agent(config, ...state);
  await lab.dutctl(["-s", first.address, "-u", "alice@h", "board", "lock", "10m"]);
  const before = await reservationAt(first);
  first.kill("SIGKILL");
  await first.ended;
  const second = await lab.agent(config, ...state);
  const after = await reservationAt(second);
  assert.deepEqual([after?.owner, after?.sinceMs], [before?.owner, before?.sinceMs]);
  near(after?.endMs, before?.endMs ?? 0);
  const refused = await lab.dutctl(["-s", second.address, "-u", "bob@h", "board", "sh", "echo never"]);
  assert.match(refused.stderr, /^✗ device "board" is locked by "alice@h" for (9|10)m\n/);
});

test("an agent removes the images that one before it has left in the temporary directory, killed while it flashed", async (t) => {
  await using lab = await Lab.open(t.signal);
  const temporary = lab.path("tmp");
  await mkdir(temporary);
  await writeFile(lab.path("image"), "image");
  const tool = `case " $* " in
*" --flash-size "*) echo 'Found Fake flash chip "F1" (4 kB, SPI) on fake.'; echo 5;;
*" -w "*) echo Erasing and writing; exec sleep 600;;
esac`;
  await writeFile(lab.path("flashrom"), `#!/bin/sh\n${tool}\n`, { mode: 0o755 });
  const flash = { module: "flash", passthrough: true, with: { tool: lab.path("flashrom"), programmer: "dummy" } };
  const config = await lab.configuration({ board: { cmds: { flash: { uses: [flash] } } } });
  const start = () => lab.startedBy("env", `TMPDIR=${temporary}`).agent(config, "-state", lab.path("kept"));
  const first = await start();
  const client = lab.start("dutctl", ["-s", first.address, "board", "flash", "write", "image"]);
  await client.said("stdout", /Erasing/);
  const flashing = await readdir(temporary);
  first.kill("SIGKILL");
  await first.ended;
  await start();
  assert.deepEqual(
    [flashing.map((name) => name.replace(/\w+$/, "")), await readdir(temporary)],
    [["dutagent-flash-"], []],
  );
});

test("agents of one user keep their state apart, and a second one for the same file is refused", async (t) => {
  await using lab = await Lab.open(t.signal);
  const [one, other] = await Promise.all([lab.configuration({ board }), lab.configuration({ board })]);
  const agent = (config: string) => lab.start("dutagent", ["-log-json", "-a", "localhost:0", "-c", config]);
  const agents = [agent(one), agent(other)];
  await Promise.all(agents.map((each) => each.said("stderr", /rpc service listening/)));
  const directories = (await readdir(lab.path("state/dutagent"))).map((name) => name.replace(/-[0-9a-f]{8}$/, ""));
  const { code, stderr } = await agent(one).ended;
  assert.deepEqual([directories.sort(), code], [["agent-1", "agent-2"], 1]);
  assert.match(
    stderr,
    new RegExp(`agent-1-[0-9a-f]{8} is in use by process ${agents[0]?.process.pid} \\(stop that one`),
  );
});

test("damaged state is refused with the way out, and the agent does not begin without it", async (t) => {
  await using lab = await Lab.open(t.signal);
  const config = await lab.configuration({ board });
  const state = lab.path("kept");
  const first = await lab.agent(config, "-state", state);
  await lab.dutctl(["-s", first.address, "board", "lock"]);
  await first.stop();
  const path = join(state, "state.db");
  {
    await using file = await open(path, "r+");
    await file.write(Buffer.alloc(2_000, 0xa5), 0, 2_000, 4_096);
  }
  const { code, stderr } = await lab.start("dutagent", ["-a", "localhost:0", "-c", config, "-state", state]).ended;
  assert.equal(code, 1);
  assert.match(stderr, /cannot open the state err=".*state\.db is damaged: .*it was left as it is; .*mv .*state\.db/);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

const prlimit = spawnSync("prlimit", ["--version"]).error === undefined;

test("an agent whose disk takes no writes says so, serves on, and recovers by itself", {
  skip: prlimit ? false : "needs prlimit: apt-get install util-linux",
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  const agent = await lab.agent({ board, other: board });
  const as = (user: string, ...words: string[]) => lab.dutctl(["-s", agent.address, "-u", user, ...words]);
  const limit = (bytes: string) => {
    const { status } = spawnSync("prlimit", ["--pid", String(agent.process.pid), `--fsize=${bytes}:unlimited`]);
    assert.equal(status, 0);
  };
  await as("alice@h", "board", "lock", "10m");
  limit("0");
  const lock = await as("bob@h", "other", "lock");
  const unlock = await as("alice@h", "board", "unlock");
  const list = await as("bob@h");
  const run = await as("alice@h", "board", "sh", "echo served");
  limit("unlimited");
  assert.deepEqual(
    [lock.code, unlock.code, list.stdout, run.stdout],
    [1, 1, '- board [locked by "alice@h" for 10m]\n- other\n', "served\n"],
  );
  for (const { stderr } of [lock, unlock]) {
    assert.match(stderr, /^✗ nothing was changed: .*state\.db cannot be written now \(mend its file system/);
  }
  assert.deepEqual([(await as("bob@h", "other", "lock")).code, (await as("alice@h", "board", "unlock")).code], [0, 0]);
});

const ownMounts = spawnSync("unshare", ["--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]);

test("an agent whose disk is full says so, and goes on when there is space again", {
  skip: ownMounts.status === 0 ? false : "needs unshare (apt-get install util-linux) and user namespaces",
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  const state = lab.path("small");
  await mkdir(state);
  const agent = lab.startWords([
    ...["unshare", "--map-root-user", "--mount", "sh", "-c"],
    'mount -t tmpfs -o size=256k,mode=700 none "$0" && exec "$@"',
    state,
    ...lab.wordsOf("dutagent"),
    ...["-log-json", "-a", "localhost:0", "-c", await lab.configuration({ board }), "-state", state],
  ]);
  const [, address = ""] = await agent.said("stderr", /"addr":"([^"]+)","msg":"rpc service listening"/);
  const dutctl = (...words: string[]) => lab.dutctl(["-s", address, "-u", "alice@h", "board", ...words]);
  await dutctl("sh", `cat /dev/zero > ${state}/filler || true`);
  const full = await dutctl("lock");
  await dutctl("sh", `rm ${state}/filler`);
  assert.match(
    full.stderr,
    /^✗ nothing was changed: no space left on the disk of .*state\.db \(free some, then repeat/,
  );
  assert.deepEqual([full.code, (await dutctl("lock")).code], [1, 0]);
});

test("an agent that finds no space for its state names the directory and what to do, before it does anything", {
  skip: ownMounts.status === 0 ? false : "needs unshare (apt-get install util-linux) and user namespaces",
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  const state = lab.path("full");
  await mkdir(state);
  const agent = lab.startWords([
    ...["unshare", "--map-root-user", "--mount", "sh", "-c"],
    'mount -t tmpfs -o size=64k,mode=700 none "$0" && { cat /dev/zero > "$0/filler" 2>/dev/null; exec "$@"; }',
    state,
    ...lab.wordsOf("dutagent"),
    ...["-log", "error", "-a", "localhost:0", "-c", await lab.configuration({ board }), "-state", state],
  ]);
  const { code, stderr } = await agent.ended;
  assert.deepEqual(
    [code, stderr.slice(20)],
    [
      1,
      `ERROR [agent] cannot open the state err="cannot open ${state}/state.db: no space left on its disk (free some, or use a state directory elsewhere)"\n`,
    ],
  );
});

for (const hours of [-1, 1]) {
  test(`a lock is not cut or prolonged by a wall clock that is set by ${hours} h, also over a restart`, {
    skip: withoutFakeClock,
  }, async (t) => {
    await using lab = await Lab.open(t.signal);
    const clock = await openFakeClock(lab.path("offset"));
    const config = await lab.configuration({ board });
    const agent = () => lab.startedBy(...clock.words).agent(config, "-state", lab.path("kept"));
    const shift = hours * 3_600_000;
    const first = await agent();
    await lab.dutctl(["-s", first.address, "-u", "alice@h", "board", "lock", "10m"]);
    const before = await reservationAt(first);
    await clock.set(hours * 3600);
    const during = await reservationAt(first);
    first.kill("SIGKILL");
    await first.ended;
    const after = await reservationAt(await agent());
    for (const shown of [during, after]) {
      assert.equal(shown?.owner, "alice@h");
      near(shown?.endMs, (before?.endMs ?? 0) + shift);
      near(shown?.sinceMs, (before?.sinceMs ?? 0) + shift);
    }
  });
}
