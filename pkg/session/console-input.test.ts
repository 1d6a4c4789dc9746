import assert from "node:assert/strict";
import { test } from "node:test";
import { ConsoleInput, inputWindow } from "./console-input.ts";

/** An input, and how much of it was read at each time that was told. */
function openInput() {
  const taken: number[] = [];
  const input: ConsoleInput = new ConsoleInput(() => taken.push(input.taken));
  return { input, taken };
}

test("each byte arrives once, whatever is sent again, until the end", async () => {
  const { input, taken } = openInput();
  input.receive(0, Buffer.from("abc"));
  input.receive(1, Buffer.from("bcde"));
  input.receive(0, Buffer.from("ab"));
  input.end();
  input.receive(5, Buffer.from("too late"));
  assert.deepEqual((await Array.fromAsync(input)).map(String), ["abcde"]);
  assert.deepEqual([taken, input.arrived], [[5], 5]);
});

test("a gap is refused, and so is what is beyond the window", async () => {
  const { input } = openInput();
  input.receive(0, Buffer.from("abc"));
  assert.throws(() => input.receive(4, Buffer.from("e")), {
    code: "invalid_argument",
    message: "input at offset 4 came when only 3 bytes were there",
  });
  input.receive(0, Buffer.alloc(inputWindow));
  const beyond = {
    code: "resource_exhausted",
    message: "input is 65537 bytes ahead of what was read, at most 65536 fit",
  };
  assert.throws(() => input.receive(inputWindow, Buffer.alloc(1)), beyond);
  await input[Symbol.asyncIterator]().next();
  input.receive(inputWindow, Buffer.alloc(3));
  assert.throws(() => input.receive(inputWindow + 3, Buffer.alloc(inputWindow)), { code: "resource_exhausted" });
});

test("a client that comes later has a window beyond what had arrived, and no number of them has more than 1 MiB", () => {
  const { input } = openInput();
  const most = 1024 * 1024;
  for (let offset = 0; offset < most; offset += inputWindow) {
    input.startOfClient();
    input.receive(offset, Buffer.alloc(inputWindow));
  }
  input.startOfClient();
  assert.throws(() => input.receive(most, Buffer.alloc(1)), {
    code: "resource_exhausted",
    message: "input is 1048577 bytes ahead of what was read, at most 1048576 fit",
  });
});

test("the whole window may come key by key", async () => {
  const { input } = openInput();
  for (let offset = 0; offset < inputWindow; offset++) {
    input.receive(offset, Buffer.from("k"));
  }
  input.end();
  assert.equal(Buffer.concat(await Array.fromAsync(input)).length, inputWindow);
});

test("a reader that leaves while it waits takes nothing from the next", async () => {
  const { input } = openInput();
  const first = input[Symbol.asyncIterator]();
  const waiting = first.next();
  await first.return?.();
  input.receive(0, Buffer.from("abc"));
  input.end();
  assert.deepEqual(await waiting, { done: true, value: undefined });
  assert.deepEqual((await Array.fromAsync(input)).map(String), ["abc"]);
});

test("input of a run that is stopped does not look like one that has ended", async () => {
  const { input } = openInput();
  input.receive(0, Buffer.from("half a comm"));
  const waiting = input[Symbol.asyncIterator]();
  await waiting.next();
  const next = waiting.next();
  input.fail(new Error("stopped"));
  await assert.rejects(next, { message: "stopped" });
  await assert.rejects(Array.fromAsync(input), { message: "stopped" });
});

test("who types ahead without credit is held back at 1 MiB, and goes on when something is read", async () => {
  const { input } = openInput();
  const piece = Buffer.alloc(256 * 1024);
  for (let count = 0; count < 4; count++) {
    assert.equal(await input.put(piece), true);
  }
  const held = input.put(piece);
  let isKept = false;
  void held.then(() => {
    isKept = true;
  });
  await new Promise(setImmediate);
  assert.equal(isKept, false);
  await input[Symbol.asyncIterator]().next();
  assert.equal(await held, true);
  {
    using _ = input.discardExcess();
    assert.equal(await input.put(piece), false);
  }
});
