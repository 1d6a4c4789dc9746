import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempDisposable, readdir, readlink, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { openPtyPair, withoutSocat } from "#test/support/pty-pair.ts";
import { nodeSerialPorts } from "./node-serial-ports.ts";
import type { SerialPort } from "./serial-ports.ts";

const skip = withoutSocat;
const baud = 115_200;

/** How many descriptors of this process belong to ptys, also to ptys that went away. */
async function openTerminals(): Promise<number> {
  const descriptors = await readdir("/proc/self/fd");
  const targets = await Promise.allSettled(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`)));
  return targets.filter((target) => target.status === "fulfilled" && target.value.startsWith("/dev/pts/")).length;
}

async function readUntil(port: SerialPort, wanted: string): Promise<string> {
  let text = "";
  for await (const bytes of port.received) {
    text += Buffer.from(bytes).toString("latin1");
    if (text.endsWith(wanted)) {
      break;
    }
  }
  return text;
}

function codeAndMessage(error: unknown): { code: string; message: string } {
  assert.ok(error instanceof DutError);
  return { code: error.code, message: error.message };
}

async function failure(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  return await promise.then(() => assert.fail("did not fail"), codeAndMessage);
}

test("bytes of every value pass in both directions", { skip }, async (t) => {
  const ports = nodeSerialPorts();
  await using pair = await openPtyPair();
  await using near = await ports.open(pair.device, { baud });
  await using far = await ports.open(pair.farEnd, { baud });
  const all = Buffer.from(Array.from({ length: 256 }, (_, value) => value)).toString("latin1");
  await near.write(Buffer.from(`${all}!end`, "latin1"), t.signal);
  assert.equal(await readUntil(far, "!end"), `${all}!end`);
  await far.write(Buffer.from(`${all}!end`, "latin1"), t.signal);
  assert.equal(await readUntil(near, "!end"), `${all}!end`);
});

test("what arrives between two iterations is not lost", { skip }, async (t) => {
  const ports = nodeSerialPorts();
  await using pair = await openPtyPair();
  await using near = await ports.open(pair.device, { baud });
  await using far = await ports.open(pair.farEnd, { baud });
  await far.write(Buffer.from("first."), t.signal);
  assert.equal(await readUntil(near, "."), "first.");
  await far.write(Buffer.from("second."), t.signal);
  await near.write(Buffer.from("seen;"), t.signal);
  assert.equal(await readUntil(far, ";"), "seen;");
  assert.equal(await readUntil(near, "."), "second.");
});

test("a flood of 8 MiB arrives whole at a reader that begins late", { skip }, async (t) => {
  const ports = nodeSerialPorts();
  await using pair = await openPtyPair();
  await using near = await ports.open(pair.device, { baud });
  await using far = await ports.open(pair.farEnd, { baud });
  const total = 8 * 1024 * 1024;
  const sent = createHash("sha256");
  const got = createHash("sha256");
  const write = async () => {
    for (let offset = 0; offset < total; offset += 65_536) {
      const block = Buffer.from(Array.from({ length: 65_536 }, (_, index) => (offset / 65_536 + index * 7) % 251));
      sent.update(block);
      await far.write(block, t.signal);
    }
  };
  const writing = write();
  let arrived = 0;
  let largest = 0;
  const started = performance.now();
  for await (const bytes of near.received) {
    arrived += bytes.length;
    largest = Math.max(largest, bytes.length);
    got.update(bytes);
    if (arrived >= total) {
      break;
    }
  }
  await writing;
  t.diagnostic(`${(total / 1e3 / (performance.now() - started)).toFixed(1)} MB/s`);
  assert.deepEqual(
    { arrived, digest: got.digest("hex"), inPieces: largest <= 65_536 },
    { arrived: total, digest: sent.digest("hex"), inPieces: true },
  );
});

test("flush throws away what arrived before, however much", { skip }, async (t) => {
  const ports = nodeSerialPorts();
  await using pair = await openPtyPair();
  await using far = await ports.open(pair.farEnd, { baud });
  await far.write(Buffer.from("stale".repeat(4_000)), t.signal);
  await using near = await ports.open(pair.device, { baud });
  // socat passes on 8 KiB at most of one direction before it looks at the other, so that by then it has passed on all.
  for (const word of ["one.", "two.", "three.", "four."]) {
    await near.write(Buffer.from(word), t.signal);
    assert.equal(await readUntil(far, "."), word);
  }
  await near.flush();
  await far.write(Buffer.from("fresh."), t.signal);
  assert.equal(await readUntil(near, "."), "fresh.");
});

test("a device that goes away ends reading and writing with what arrived before", { skip }, async (t) => {
  const ports = nodeSerialPorts();
  await using pair = await openPtyPair();
  await using near = await ports.open(pair.device, { baud });
  {
    await using far = await ports.open(pair.farEnd, { baud });
    await far.write(Buffer.from("last words."), t.signal);
    assert.equal(await readUntil(near, "."), "last words.");
  }
  const reading = failure(Array.fromAsync(near.received));
  await pair.unplug();
  const expected = { code: "unavailable", message: `${pair.device} went away` };
  assert.deepEqual(await reading, expected);
  assert.deepEqual(await failure(near.write(Buffer.from("x"), t.signal)), expected);
});

test("a port is refused while it is open, under any name, and free afterwards", { skip }, async () => {
  const ports = nodeSerialPorts();
  await using pair = await openPtyPair();
  await using directory = await mkdtempDisposable(join(tmpdir(), "serial-ports-"));
  const other = join(directory.path, "other-name");
  await symlink(pair.device, other);
  {
    await using _ = await ports.open(pair.device, { baud });
    assert.deepEqual(await failure(ports.open(other, { baud })), {
      code: "failed_precondition",
      message: `serial port ${other} is in use by another run`,
    });
    assert.deepEqual(await failure(nodeSerialPorts().open(other, { baud })), {
      code: "failed_precondition",
      message: `serial port ${other} is in use by another program`,
    });
  }
  await using again = await ports.open(other, { baud });
  assert.ok(again);
});

test("a port that another program has locked is refused", { skip }, async () => {
  await using pair = await openPtyPair();
  const holder = spawn("flock", ["-x", pair.device, "sh", "-c", "echo locked; read -r _"]);
  await once(holder.stdout, "data");
  assert.deepEqual(await failure(nodeSerialPorts().open(pair.device, { baud })), {
    code: "failed_precondition",
    message: `serial port ${pair.device} is in use by another program`,
  });
  holder.stdin.end();
  await once(holder, "close");
  await using port = await nodeSerialPorts().open(pair.device, { baud });
  assert.ok(port);
});

test("closing gives every descriptor back, also twice, after an unplug and after a refusal", { skip }, async () => {
  const ports = nodeSerialPorts();
  const before = await openTerminals();
  await using pair = await openPtyPair();
  for (let round = 0; round < 5; round += 1) {
    const port = await ports.open(pair.device, { baud });
    const rest = Array.fromAsync(port.received);
    await port[Symbol.asyncDispose]();
    await port[Symbol.asyncDispose]();
    assert.deepEqual(await rest, []);
    await failure(ports.open(pair.device, { baud: 123_456 }));
  }
  const port = await ports.open(pair.device, { baud });
  await pair.unplug();
  await failure(Array.fromAsync(port.received));
  await port[Symbol.asyncDispose]();
  assert.equal(await openTerminals(), before);
});

test("a write that nobody takes ends when its signal aborts, and the port still closes", { skip }, async () => {
  const ports = nodeSerialPorts();
  await using pair = await openPtyPair();
  await using near = await ports.open(pair.device, { baud });
  const cancel = new AbortController();
  const reason = new Error("enough");
  const writing = near.write(Buffer.alloc(4 * 1024 * 1024), cancel.signal);
  cancel.abort(reason);
  await assert.rejects(writing, reason);
});

test("what is no serial port is refused with what is wrong", { skip }, async () => {
  const ports = nodeSerialPorts();
  await using pair = await openPtyPair();
  await using directory = await mkdtempDisposable(join(tmpdir(), "serial-ports-"));
  const file = join(directory.path, "file");
  await writeFile(file, "");
  assert.deepEqual(
    await Promise.all([
      failure(ports.open(join(directory.path, "nothing"), { baud })),
      failure(ports.open(file, { baud })),
      failure(ports.open(directory.path, { baud })),
      failure(ports.open("/dev/null", { baud })),
      failure(ports.open(pair.device, { baud: 123_456 })),
    ]),
    [
      { code: "not_found", message: `there is no serial device ${join(directory.path, "nothing")}` },
      { code: "failed_precondition", message: `${file} is not a serial port` },
      { code: "failed_precondition", message: `${directory.path} is not a serial port` },
      { code: "failed_precondition", message: "/dev/null is not a serial port" },
      { code: "invalid_argument", message: `${pair.device} cannot run at 123456 baud` },
    ],
  );
});
