import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { nodeSerialPorts } from "#pkg/host/node-serial-ports.ts";
import type { SerialPorts } from "#pkg/host/serial-ports.ts";
import { silentLog } from "#pkg/log/log.ts";
import { memoryHost } from "#test/support/memory-host.ts";
import { memorySerialPorts } from "#test/support/memory-serial-ports.ts";
import { openPtyPair, withoutSocat } from "#test/support/pty-pair.ts";
import type { RecordingPlan } from "./plan.ts";
import type { SharedPort } from "./shared-port.ts";
import { sharePort } from "./shared-ports.ts";

const skip = withoutSocat;
const user = { baud: 115_200, lines: {} };
const inMemory: RecordingPlan = { history: undefined, record: undefined, writes: true };

function entriesOn(serialPorts: SerialPorts) {
  const host = memoryHost({ serialPorts });
  return (path: string, plan: RecordingPlan = inMemory) => sharePort(path, user, plan, { host, log: silentLog });
}

/** Resolves when something holds of a port. */
async function until(port: SharedPort, holds: () => boolean, signal: AbortSignal): Promise<void> {
  while (!holds()) {
    await port.news.wait(signal);
  }
}

function kept({ history }: SharedPort): string {
  return String(history.read(history.start, history.end - history.start));
}

test("a device that is not there at the start is recorded from when it comes, and again when it comes back", {
  skip,
}, async (t) => {
  await using pair = await openPtyPair();
  await pair.unplug();
  await using entry = await entriesOn(nodeSerialPorts())(pair.device);
  const { port } = entry;
  const absent = port.connection === undefined;
  for (const said of ["first;", "second;"]) {
    await pair.replug();
    await until(port, () => port.connection !== undefined, t.signal);
    await writeFile(pair.farEnd, said);
    await until(port, () => kept(port).endsWith(said), t.signal);
    await pair.unplug();
    await until(port, () => port.connection === undefined, t.signal);
  }
  assert.deepEqual([absent, kept(port)], [true, "first;second;"]);
});

test("a program that locks the device gets it while no run writes, and the port is open again when it is done", {
  skip,
}, async (t) => {
  await using pair = await openPtyPair();
  await using entry = await entriesOn(nodeSerialPorts())(pair.device);
  const { port } = entry;
  await until(port, () => port.connection !== undefined, t.signal);
  const other = spawn("flock", ["-x", pair.device, "sh", "-c", "echo locked; read -r _"]);
  t.after(() => other.kill());
  await once(other.stdout, "data");
  await until(port, () => port.connection === undefined, t.signal);
  const refused = await port.write(user, 0).then(
    () => "opened",
    (error: Error) => error.message,
  );
  other.stdin.end();
  await once(other, "close");
  await until(port, () => port.connection !== undefined, t.signal);
  await using _use = await port.write(user, 0);
  const third = spawn("flock", ["-x", "-n", pair.device, "true"]);
  const [code] = await once(third, "close");
  assert.deepEqual([refused, code], [`serial port ${pair.device} is in use by another program`, 1]);
});

test("of two agents that record a port one reads it, and the other one takes it over with a run that types", {
  skip,
}, async (t) => {
  await using pair = await openPtyPair();
  await using first = await entriesOn(nodeSerialPorts())(pair.device);
  await until(first.port, () => first.port.connection !== undefined, t.signal);
  await using second = await entriesOn(nodeSerialPorts())(pair.device);
  const refused = await second.port.watch(0).then(
    () => "opened",
    (error: Error) => error.message,
  );
  await writeFile(pair.farEnd, "for the first;");
  await until(first.port, () => kept(first.port).endsWith(";"), t.signal);
  {
    await using _use = await second.port.write(user, 0);
    await writeFile(pair.farEnd, "for the second;");
    await until(second.port, () => kept(second.port).endsWith(";"), t.signal);
  }
  await using _back = await first.port.write(user, 0);
  await writeFile(pair.farEnd, "for the first again;");
  await until(first.port, () => kept(first.port).endsWith("again;"), t.signal);
  assert.deepEqual(
    [refused, kept(first.port), kept(second.port)],
    [
      `serial port ${pair.device} is recorded by another agent`,
      "for the first;for the first again;",
      "for the second;",
    ],
  );
});

test("entries of one port share it, by any name, and it is closed with the last of them", async () => {
  const { serialPorts, devices } = memorySerialPorts({ "/dev/a": {} });
  const enter = entriesOn({ ...serialPorts, identify: async () => "/dev/a" });
  const first = await enter("/dev/a");
  const second = await enter("/dev/b");
  await using use = await second.port.write(user, 0);
  const isOneLine = first.port === second.port;
  await use[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  const afterFirst = devices["/dev/a"].isOpen;
  await second[Symbol.asyncDispose]();
  assert.deepEqual([isOneLine, afterFirst, devices["/dev/a"].isOpen], [true, true, false]);
});

test("what one entry says of the record counts for all, and a contradiction is an error that changes nothing", async () => {
  const { serialPorts } = memorySerialPorts({ "/dev/a": {} });
  const enter = entriesOn(serialPorts);
  await using first = await enter("/dev/a");
  await using second = await enter("/dev/a", { history: 4 * 1024 * 1024, record: { kind: "off" }, writes: true });
  await assert.rejects(enter("/dev/a", { history: undefined, record: { kind: "memory" }, writes: true }), {
    code: "invalid_argument",
    message: "option record is memory here and off in another entry with the port /dev/a",
  });
  assert.deepEqual(
    [first.port.isRecorded, first.port.history.capacity, second.port === first.port],
    [false, 4 * 1024 * 1024, true],
  );
});

test("a port that is not recorded is open while somebody uses it, and forgets what was said before", async (t) => {
  const { serialPorts, devices } = memorySerialPorts({ "/dev/a": { stale: "old", greeting: ["new"] } });
  await using entry = await entriesOn(serialPorts)("/dev/a", {
    history: undefined,
    record: { kind: "off" },
    writes: true,
  });
  const before = devices["/dev/a"].isOpen;
  const use = await entry.port.write(user, 0);
  const { bytes } = await use.reader.next(t.signal);
  const during = devices["/dev/a"].isOpen;
  await use[Symbol.asyncDispose]();
  assert.deepEqual([before, String(bytes), during, devices["/dev/a"].isOpen], [false, "new", true, false]);
});

test("a run that writes is waited for and misses nothing; one that looks is told how much it missed", async (t) => {
  const { serialPorts, devices } = memorySerialPorts({ "/dev/a": {} });
  const history = 64 * 1024;
  await using entry = await entriesOn(serialPorts)("/dev/a", { history, record: undefined, writes: true });
  const { port } = entry;
  await using writer = await port.write(user, 0);
  await using watcher = await port.watch(0);
  const pieces = Array.from({ length: 6 }, (_, index) => `${index}`.repeat(20 * 1024));
  devices["/dev/a"].says(...pieces);
  await until(port, () => port.history.end >= 60 * 1024, t.signal);
  await setImmediate();
  const held = port.history.end;
  let heard = "";
  while (heard.length < 120 * 1024) {
    heard += String((await writer.reader.next(t.signal)).bytes);
  }
  const { missed, bytes } = await watcher.reader.next(t.signal);
  assert.deepEqual(
    [held, heard === pieces.join(""), missed, bytes.length],
    [60 * 1024, true, 120 * 1024 - history, history],
  );
});

test("the settings of a run stay until another one brings others", async () => {
  const { serialPorts, devices } = memorySerialPorts({ "/dev/a": {} });
  await using entry = await entriesOn(serialPorts)("/dev/a");
  for (const baud of [115_200, 9600, 9600, 115_200]) {
    await using _ = await entry.port.write({ baud, lines: {} }, 0);
  }
  assert.deepEqual([devices["/dev/a"].bauds, devices["/dev/a"].claims], [[115_200, 9600, 115_200], 0]);
});

test("lines are set when the port is opened", async (t) => {
  const { serialPorts, devices } = memorySerialPorts({ "/dev/a": {} });
  const quiet = { baud: 9600, lines: { dtr: false, rts: true } };
  await using entry = await sharePort("/dev/a", quiet, inMemory, { host: memoryHost({ serialPorts }), log: silentLog });
  await until(entry.port, () => entry.port.connection !== undefined, t.signal);
  assert.deepEqual(devices["/dev/a"].lines, ["dtr off", "rts on"]);
});

test("one that looks changes no settings, and the first one that writes brings its own", async (t) => {
  const { serialPorts, devices } = memorySerialPorts({ "/dev/a": {} });
  const context = { host: memoryHost({ serialPorts }), log: silentLog };
  const looks = { ...inMemory, writes: false };
  await using looker = await sharePort("/dev/a", { baud: 300, lines: {} }, looks, context);
  await until(looker.port, () => looker.port.connection !== undefined, t.signal);
  await using writer = await sharePort("/dev/a", { baud: 9600, lines: {} }, inMemory, context);
  await using other = await sharePort("/dev/a", { baud: 1200, lines: {} }, inMemory, context);
  await using _watching = await looker.port.watch(0);
  assert.deepEqual([devices["/dev/a"].bauds, new Set([looker.port, writer.port, other.port]).size], [[300, 9600], 1]);
});

test("one that waits for a device to come back ends when the port is closed for good", async (t) => {
  const { serialPorts, devices } = memorySerialPorts({ "/dev/a": {} });
  await using entry = await entriesOn(serialPorts)("/dev/a");
  const { reader } = await entry.port.watch(0);
  devices["/dev/a"].unplug();
  await assert.rejects(reader.next(t.signal), { message: "the device went away" });
  const waiting = reader.reconnected(t.signal);
  await entry[Symbol.asyncDispose]();
  await assert.rejects(waiting, { code: "unavailable", message: "serial port /dev/a is closed" });
});

test("a run that begins as another one ends keeps other programs away", { skip }, async (t) => {
  await using pair = await openPtyPair();
  const ports = nodeSerialPorts();
  await using entry = await entriesOn(ports)(pair.device);
  await until(entry.port, () => entry.port.connection !== undefined, t.signal);
  const first = await entry.port.write(user, 0);
  const leaving = first[Symbol.asyncDispose]();
  await using _second = await entry.port.write(user, 0);
  await leaving;
  assert.equal(await ports.isWanted(pair.device), true);
});
