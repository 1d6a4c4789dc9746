import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { nodePtys } from "./node-ptys.ts";

const skip = spawnSync("socat", ["-V"]).status === 0 ? false : "needs socat: apt-get install socat";

test("programs read what the owner wrote and the owner what they wrote, over and over", {
  skip,
  timeout: 30_000,
}, async () => {
  await using pty = await nodePtys().open();
  const received = pty.received[Symbol.asyncIterator]();
  const heard: string[] = [];
  for (const round of ["one", "two"]) {
    await using device = await open(pty.device, "r+");
    await device.write(`${round}\n\x03`);
    heard.push(Buffer.from((await received.next()).value ?? []).toString());
    pty.write(Buffer.from(`re ${round}\r\n`));
    const { buffer, bytesRead } = await device.read({ buffer: Buffer.alloc(100) });
    heard.push(buffer.toString("utf8", 0, bytesRead));
  }
  assert.deepEqual(heard, ["one\n\x03", "re one\r\n", "two\n\x03", "re two\r\n"]);
});

test("a write that nobody reads takes what fits and blocks nothing, and taking back makes room", {
  skip,
  timeout: 30_000,
}, async () => {
  await using pty = await nodePtys().open();
  let written = 0;
  for (let taken = -1; taken !== 0; written += taken) {
    taken = pty.write(new Uint8Array(1000));
  }
  const tookBack = pty.takeBack();
  let roomAgain = 0;
  while (roomAgain === 0) {
    await setImmediate();
    roomAgain = pty.write(new Uint8Array(1000));
  }
  assert.deepEqual(
    { tookBack: tookBack > 0, bounded: written > 4000 && written < 1e6 },
    { tookBack: true, bounded: true },
  );
});

test("disposing takes the device away, ends the reader and may be repeated", { skip, timeout: 30_000 }, async () => {
  const pty = await nodePtys().open();
  const reading = Array.fromAsync(pty.received);
  await pty[Symbol.asyncDispose]();
  await pty[Symbol.asyncDispose]();
  assert.deepEqual(
    { received: await reading, there: existsSync(pty.device), written: pty.write(Buffer.from("x")) },
    { received: [], there: false, written: 0 },
  );
});
