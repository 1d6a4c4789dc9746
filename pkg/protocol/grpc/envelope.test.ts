import assert from "node:assert/strict";
import { test } from "node:test";
import { enveloped, messagesIn } from "./envelope.ts";

const limit = 64;
const messages = ["", "first", "x".repeat(limit), "last"];
const bytes = Buffer.concat(messages.map((message) => enveloped(Buffer.from(message), limit)));

async function* cut(whole: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < whole.length; at += size) {
    yield whole.subarray(at, at + size);
  }
}

async function read(chunks: AsyncIterable<Buffer>): Promise<string[]> {
  return (await Array.fromAsync(messagesIn(chunks, limit))).map(String);
}

test("messages come out as they went in, however their bytes are cut", async () => {
  for (let size = 1; size <= bytes.length; size++) {
    assert.deepEqual(await read(cut(bytes, size)), messages);
  }
});

test("an envelope is a flag, the length and the message", () => {
  assert.deepEqual(enveloped(Buffer.from("abc"), limit), Buffer.from("\0\0\0\0\x03abc"));
});

test("a message over the limit is refused before it is sent", () => {
  assert.throws(() => enveloped(Buffer.alloc(limit + 1), limit), {
    code: "resource_exhausted",
    message: "a message of 65 bytes is not sent, at most 64 fit",
  });
});

for (const [what, received, code] of [
  ["a message over the limit, of which only the length has come", "\0\xff\xff\xff\xff", "resource_exhausted"],
  ["a compressed message", "\x01\0\0\0\x01x", "internal"],
  ["an end within a message", "\0\0\0\0\x02x", "internal"],
  ["an end within a length", "\0\0\0", "internal"],
] as const) {
  test(`${what} is refused when it is received`, async () => {
    await assert.rejects(read(cut(Buffer.from(received, "latin1"), limit)), { code });
  });
}
