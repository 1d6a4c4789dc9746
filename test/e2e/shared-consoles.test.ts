import assert from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { nodeSerialPorts } from "#pkg/host/node-serial-ports.ts";
import type { SerialPort } from "#pkg/host/serial-ports.ts";
import type { Child } from "#test/support/child.ts";
import { Lab } from "#test/support/lab.ts";
import { logged, recordsOf } from "#test/support/log-records.ts";
import { mountsAreMissing, PrivateMount } from "#test/support/private-mount.ts";
import { openPtyPair, type PtyPair, withoutSocat } from "#test/support/pty-pair.ts";

const skip = withoutSocat;

/** An agent with a board whose console is at one end of a cable; the board is the test, at the other end. */
async function openBoard(lab: Lab, pair: PtyPair, options: Readonly<Record<string, unknown>> = {}, place: Lab = lab) {
  const use = (more: Readonly<Record<string, unknown>>) => ({
    uses: [{ module: "serial", passthrough: true, with: { port: pair.device, delay: "0s", ...more } }],
  });
  const agent = await place.agent({ board: { cmds: { console: use(options), watch: use({ watch: true }) } } });
  await logged(agent, { msg: "serial port open" });
  const far = await nodeSerialPorts().open(pair.farEnd, { baud: 115_200 });
  const start = (user: string, ...args: string[]) => lab.start("dutctl", ["-s", agent.address, "-u", user, ...args]);
  return { agent, far, start };
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
    await using lab = await Lab.open(t.signal);
    await using pair = await openPtyPair();
    const { far, start } = await openBoard(lab, pair);
    await using _far = far;
    const done = new AbortController();
    const talk = async () => {
      for (let number = 1; !done.signal.aborted && number < 60_000; number += 1) {
        await far.write(Buffer.from(`line ${number}\n`), t.signal);
        await setImmediate();
      }
    };
    const talking = talk();
    const client = start("alice@h", "-protocol", protocol, "board", "console", "-history", "100000");
    client.process.stdin.end();
    const [, live = ""] = await client.said("stdout", /line (\d+)\n(?![\s\S]*\n[\s\S]*\n)/);
    await client.said("stdout", new RegExp(`line ${Number(live) + 2_000}\n`));
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
  await using lab = await Lab.open(t.signal);
  await using pair = await openPtyPair();
  const { agent, far, start } = await openBoard(lab, pair);
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
  const { stdout } = await lab.dutctl(["-s", agent.address, "board", "console", "-history", "3", "-no-follow"]);
  await leave(watcher);
  assert.deepEqual([code, stdout], [0, "two\nthree\nlogin:\n"]);
});

test("two users watch while a third one types, on a device that is locked, and neither of them can type", {
  skip,
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  await using pair = await openPtyPair();
  const { agent, far, start } = await openBoard(lab, pair);
  await using _far = far;
  await lab.dutctl(["-s", agent.address, "-u", "alice@h", "board", "lock", "1h"]);
  const writer = start("alice@h", "board", "console", "-i");
  const watchers = [start("bob@h", "board", "watch"), start("carol@h", "-protocol", "v1", "board", "watch")];
  await Promise.all([writer, ...watchers].map((child) => child.said("stdout", /Connected/)));
  writer.process.stdin.write("uname\r");
  const heard = await hears(far, "\r");
  await far.write(Buffer.from("Linux board\n"), t.signal);
  await Promise.all([writer, ...watchers].map((child) => child.said("stdout", /Linux board/)));
  const typed = await lab.dutctl(["-s", agent.address, "-u", "bob@h", "board", "watch", "send", "x"]);
  const second = await lab.dutctl(["-s", agent.address, "-u", "bob@h", "board", "console", "-t", "1ms"]);
  await Promise.all([writer, ...watchers].map(leave));
  assert.deepEqual(
    [heard, typed.code, /"send" is not for this command, which only looks/.test(typed.stderr), second.code],
    ["uname\r", 1, true, 123],
  );
});

test("a console is handed over to the same user, and to others when it is shared; who had it looks on", {
  skip,
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  await using pair = await openPtyPair();
  const { agent, far, start } = await openBoard(lab, pair);
  await using _far = far;
  const first = start("alice@h", "board", "console", "-i");
  await first.said("stdout", /Connected/);
  const uninvited = await lab.dutctl(["-s", agent.address, "-u", "bob@h", "board", "console", "-take", "-t", "1ms"]);
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
  const holder = await lab.dutctl(["-s", agent.address, "-u", "carol@h", "board", "console", "-t", "1ms"]);
  await Promise.all([first, second, third].map(leave));
  const after = await lab.dutctl(["-s", agent.address, "-u", "carol@h", "board", "console", "-t", "1ms"]);
  const locked = (by: string) => `✗ device "board" is locked by "${by}"`;
  assert.deepEqual(
    [uninvited.stderr.split("\n")[0], heard, holder.stderr.split("\n")[0], after.code],
    [locked("alice@h"), "from the third!", locked("bob@h"), 0],
  );
});

test("a full disk stops the record and nothing else, is said once, and what is missing is noted when there is room", {
  skip: withoutSocat || mountsAreMissing,
}, async (t) => {
  await using lab = await Lab.open(t.signal);
  await using pair = await openPtyPair();
  await using disk = await PrivateMount.tmpfs(512 * 1024);
  const options = { record: join(disk.path, "consoles") };
  const { agent, far, start } = await openBoard(lab, pair, options, lab.startedBy(...disk.enter));
  await using _far = far;
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
