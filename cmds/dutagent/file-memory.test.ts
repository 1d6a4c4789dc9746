import assert from "node:assert/strict";
import { test } from "node:test";
import { noMetrics } from "#pkg/metrics/metrics.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { FileMemory } from "./file-memory.ts";
import { heldMessages } from "./held-messages.ts";

const megabyte = 1024 * 1024;
const never = new AbortController().signal;

/** The names of the promises that have resolved, in order. */
function inOrder() {
  const done: string[] = [];
  return {
    done,
    note: (name: string, work: Promise<unknown>) =>
      void work.then(
        () => done.push(name),
        () => done.push(`not ${name}`),
      ),
  };
}

const turn = () => new Promise(setImmediate);

test("who comes first gets memory first, when it is there, also when somebody later wants less", async () => {
  const memory = new FileMemory(noMetrics, 10);
  const { done, note } = inOrder();
  const held = await memory.take(8, never);
  note("large", memory.take(5, never));
  note("small", memory.take(1, never));
  await turn();
  const before = [...done];
  held[Symbol.dispose]();
  held[Symbol.dispose]();
  await turn();
  assert.deepEqual([before, done], [[], ["large", "small"]]);
});

test("who gives up leaves the queue, and who waits too long is told what for", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const memory = new FileMemory(noMetrics, 10);
  await memory.take(8, never);
  const gone = new AbortController();
  const { done, note } = inOrder();
  note("gone", memory.take(5, gone.signal));
  note("next", memory.take(2, never));
  gone.abort(new Error("the client left"));
  await turn();
  assert.deepEqual(done, ["not gone", "next"]);
  const late = memory.take(5, never);
  t.mock.timers.tick(30_000);
  await assert.rejects(late, {
    code: "resource_exhausted",
    message: "no memory for a file of 5 bytes within 30 s: other runs have all that there is for whole files",
  });
});

/** Bytes of messages of these sizes, in pieces that end anywhere. */
function* pieces(sizes: readonly number[], pieceBytes: number): Generator<Uint8Array> {
  const all = Buffer.concat(
    sizes.map((size) => {
      const message = Buffer.alloc(5 + size, size % 251);
      message.writeUInt8(0, 0);
      message.writeUInt32BE(size, 1);
      return message;
    }),
  );
  for (let start = 0; start < all.length; start += pieceBytes) {
    yield all.subarray(start, start + pieceBytes);
  }
}

async function* from(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

for (const pieceBytes of [7, 64 * 1024, 16 * megabyte]) {
  test(`messages pass unchanged in pieces of ${pieceBytes} bytes, and nothing is held in the end`, async () => {
    const memory = new FileMemory(noMetrics, 3 * megabyte);
    const sizes = pieceBytes === 7 ? [3, 0, megabyte + 1, 5] : [3, 0, 2 * megabyte, 5, 3 * megabyte, megabyte];
    const wanted = Buffer.concat([...pieces(sizes, pieceBytes)]);
    const passed = Buffer.concat(await Array.fromAsync(heldMessages(from(pieces(sizes, pieceBytes)), memory, never)));
    assert.ok(passed.equals(wanted));
    await memory.take(3 * megabyte, never);
  });
}

test("a large message waits behind what came before it until there is memory, and one that is too large is not waited for", async () => {
  const memory = new FileMemory(noMetrics, 3 * megabyte);
  const held = await memory.take(2 * megabyte, never);
  const messages = heldMessages(from(pieces([10, 2 * megabyte], 4 * megabyte)), memory, never);
  const first = await messages.next();
  const { done, note } = inOrder();
  note("rest", messages.next());
  await turn();
  const before = [...done];
  held[Symbol.dispose]();
  await turn();
  assert.deepEqual([first.value?.length, before, done], [20, [], ["rest"]]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(limits.fileMessageBytes + 1, 1);
  const passed = await heldMessages(from([prefix]), new FileMemory(noMetrics, 0), never).next();
  assert.equal(passed.value?.length, 5);
});
