import assert from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { nodeSerialPorts } from "#pkg/host/node-serial-ports.ts";
import type { SerialPort } from "#pkg/host/serial-ports.ts";
import type { Child } from "#test/support/child.ts";
import { Lab } from "#test/support/lab.ts";
import { logged, recordsOf } from "#test/support/log-records.ts";
import { mountsAreMissing, PrivateMount } from "#test/support/private-mount.ts";
import { openPtyPair, withoutSocat } from "#test/support/pty-pair.ts";

const skip = withoutSocat;

/** An agent with a board whose console is at one end of a cable; the board is the test, at the other end. */
async function openBoard(t: TestContext, options: object = {}, startedBy: readonly string[] = []) {
  await using open = new AsyncDisposableStack();
  const lab = open.use(await Lab.open(t.signal));
  const pair = open.use(await openPtyPair());
  const use = (more: object) => ({
    uses: [{ module: "serial", passthrough: true, with: { port: pair.device, delay: "0s", ...more } }],
  });
  const devices = { board: { cmds: { console: use(options), watch: use({ watch: true }) } } };
  const agent = await lab.startedBy(...startedBy).agent(devices);
  await logged(agent, { msg: "serial port open" });
  const far = open.use(await nodeSerialPorts().open(pair.farEnd, { baud: 115_200 }));
  const as = (user: string, args: readonly string[]) => ["-s", agent.address, "-u", user, ...args];
  const opened = open.move();
  return {
    agent,
    pair,
    far,
    start: (user: string, ...args: string[]) => lab.start("dutctl", as(user, args)),
    dutctl: (user: string, ...args: string[]) => lab.dutctl(as(user, args)),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function hears(far: SerialPort, ending: string): Promise<string> {
  let heard = "";
  for await (const bytes of far.received) {
    heard += Buffer.from(bytes).toString("latin1");
    if (heard.endsWith(ending)) {
      break;
    }
  }
  return heard;
}

/** Ends a client that goes on for as long as one likes. */
async function leave(child: Child): Promise<void> {
  child.kill("SIGINT");
  await child.ended;
}

for (const protocol of ["lab", "v1"]) {
  test(`a console begins with what was said before, and no line is lost or doubled where it goes on live (${protocol})`, {
    skip,
  }, async (t) => {
    await using board = await openBoard(t);
    const { far, start } = board;
    const done = new AbortController();
    const joined = Promise.withResolvers<void>();
    const talk = async () => {
      for (let number = 1; !done.signal.aborted && number < 60_000; number += 1) {
        // A client that takes long to come finds the board in the middle of its talk too.
        await (number > 30_000 && joined.promise);
        await far.write(Buffer.from(`line ${number}\n`), t.signal);
        await setImmediate();
      }
    };
    const talking = talk();
    const client = start("alice@h", "-protocol", protocol, "board", "console", "-history", "100000");
    client.process.stdin.end();
    const shown = () => Number(/line (\d+)\r?\n[^\n]*$/.exec(client.stdout.slice(-40))?.[1] ?? 0);
    const live = await client.shown(() => shown() || undefined, "showed no line");
    joined.resolve();
    await client.shown(() => shown() >= live + 2_000 || undefined, "did not go on");
    done.abort();
    await talking;
    await leave(client);
    const numbers = Array.from(client.stdout.matchAll(/^line (\d+)\r?\n/gm), ([, number]) => Number(number));
    assert.deepEqual(
      [numbers[0], numbers.length > 2_000, numbers.findIndex((number, index) => number !== index + 1)],
      [1, true, -1],
    );
  });
}

test("-no-follow shows the last lines and ends, also when the device is gone, and an expect may match in them", {
  skip,
}, async (t) => {
  await using board = await openBoard(t);
  const { pair, far, start, dutctl } = board;
  const watcher = start("bob@h", "board", "watch");
  await watcher.said("stdout", /Connected/);
  await far.write(Buffer.from("one\ntwo\nthree\nlogin:\n"), t.signal);
  await watcher.said("stdout", /login:/);
  const past = start("alice@h", "board", "console", "-history", "1", "expect", "login:");
  past.process.stdin.end();
  const { code } = await past.ended;
  await far[Symbol.asyncDispose]();
  await pair.unplug();
  await watcher.said("stdout", /disconnected/);
  const { stdout } = await dutctl("alice@h", "board", "console", "-history", "3", "-no-follow");
  await leave(watcher);
  assert.deepEqual([code, stdout], [0, "two\nthree\nlogin:\n"]);
});

test("two users watch while a third one types, on a device that is locked, and neither of them can type", {
  skip,
}, async (t) => {
  await using board = await openBoard(t);
  const { far, start, dutctl } = board;
  await dutctl("alice@h", "board", "lock", "1h");
  const writer = start("alice@h", "board", "console", "-i");
  const watchers = [start("bob@h", "board", "watch"), start("carol@h", "-protocol", "v1", "board", "watch")];
  await Promise.all([writer, ...watchers].map((child) => child.said("stdout", /Connected/)));
  writer.process.stdin.write("uname\r");
  const heard = await hears(far, "\r");
  await far.write(Buffer.from("Linux board\n"), t.signal);
  await Promise.all([writer, ...watchers].map((child) => child.said("stdout", /Linux board/)));
  const typed = await dutctl("bob@h", "board", "watch", "send", "x");
  const second = await dutctl("bob@h", "board", "console", "-t", "1ms");
  await Promise.all([writer, ...watchers].map(leave));
  assert.deepEqual(
    [heard, typed.code, /"send" is not for this command, which only looks/.test(typed.stderr), second.code],
    ["uname\r", 1, true, 123],
  );
});

test("a console is handed over to the same user, and to others when it is shared; who had it looks on", {
  skip,
}, async (t) => {
  await using board = await openBoard(t);
  const { far, start, dutctl } = board;
  const first = start("alice@h", "board", "console", "-i");
  await first.said("stdout", /Connected/);
  const uninvited = await dutctl("bob@h", "board", "console", "-take", "-t", "1ms");
  const second = start("alice@h", "-protocol", "v1", "board", "console", "-i", "-take", "-share");
  await first.said("stdout", /"alice@h" has the device now, and you are watching/);
  await second.said("stdout", /Connected/);
  const third = start("bob@h", "board", "console", "-i", "-take");
  await second.said("stdout", /"bob@h" has the device now/);
  await third.said("stdout", /Connected/);
  first.process.stdin.write("from the first ");
  second.process.stdin.write("from the second ");
  third.process.stdin.write("from the third!");
  const heard = await hears(far, "!");
  await far.write(Buffer.from("seen by all"), t.signal);
  await Promise.all([first, second, third].map((child) => child.said("stdout", /seen by all/)));
  const holder = await dutctl("carol@h", "board", "console", "-t", "1ms");
  await Promise.all([first, second, third].map(leave));
  const after = await dutctl("carol@h", "board", "console", "-t", "1ms");
  const locked = (by: string) => `✗ device "board" is locked by "${by}"`;
  assert.deepEqual(
    [uninvited.stderr.split("\n")[0], heard, holder.stderr.split("\n")[0], after.code],
    [locked("alice@h"), "from the third!", locked("bob@h"), 0],
  );
});

test("a full disk stops the record and nothing else, is said once, and what is missing is noted when there is room", {
  skip: withoutSocat || mountsAreMissing,
}, async (t) => {
  await using disk = await PrivateMount.tmpfs(512 * 1024);
  await using board = await openBoard(t, { record: join(disk.path, "consoles") }, disk.enter);
  const { agent, far, start } = board;
  const ballast = join(disk.seen, "ballast");
  await writeFile(ballast, Buffer.alloc(256 * 1024));
  const watcher = start("alice@h", "board", "watch");
  await watcher.said("stdout", /Connected/);
  const line = `${"x".repeat(98)}\n`;
  await far.write(Buffer.from(`${line.repeat(5_000)}the end\n`), t.signal);
  await watcher.said("stdout", /the end/);
  await logged(agent, { msg: "the serial port is not recorded" });
  await far.write(Buffer.from("after the end\n"), t.signal);
  await watcher.said("stdout", /after the end/);
  await rm(ballast);
  const directory = join(disk.seen, "consoles");
  await Promise.all((await readdir(directory)).map((name) => rm(join(directory, name))));
  await far.write(Buffer.from("room again\n"), t.signal);
  await logged(agent, { msg: "the serial port is recorded again" });
  await leave(watcher);
  const [file = ""] = await readdir(directory);
  const lines = (await readFile(join(directory, file), "utf8")).trimEnd().split("\n");
  const shown = [lines[0], lines.at(-1)].map((line) => line?.replace(/^\S+Z /, "").replace(/\d+/, "N"));
  assert.deepEqual(
    [shown, recordsOf(agent, { msg: "the serial port is not recorded" }).length, (await agent.stop()).code],
    [["# N bytes were not recorded", "| room again"], 1, 0],
  );
});
