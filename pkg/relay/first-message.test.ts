import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { RunRequestSchema } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { peekFirstMessage } from "./first-message.ts";

const command = create(RunRequestSchema, {
  msg: { case: "command", value: { device: "board", command: "power", args: ["on"] } },
});

function envelope(payload: Uint8Array | string, flags = 0): Buffer {
  const bytes = Buffer.from(payload as string);
  const prefix = Buffer.from([flags, 0, 0, 0, 0]);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

const binary = envelope(toBinary(RunRequestSchema, command));

function peek(stream: PassThrough, contentType = "application/grpc") {
  return peekFirstMessage(stream, contentType, RunRequestSchema);
}

test("the message is read wherever its bytes are cut, and every byte is still in the stream", async () => {
  const following = Buffer.from("what comes after");
  for (let cut = 0; cut <= binary.length; cut++) {
    const stream = new PassThrough();
    const message = peek(stream);
    stream.write(binary.subarray(0, cut));
    await new Promise(setImmediate);
    stream.end(Buffer.concat([binary.subarray(cut), following]));
    assert.deepEqual((await message).msg, command.msg);
    assert.deepEqual(Buffer.concat(await Array.fromAsync(stream)), Buffer.concat([binary, following]));
  }
});

for (const contentType of ["application/connect+json", "application/grpc+json", "application/grpc-web+json"]) {
  test(`a message of ${contentType} is read as JSON`, async () => {
    const stream = new PassThrough();
    stream.write(envelope(toJsonString(RunRequestSchema, command)));
    assert.deepEqual((await peek(stream, contentType)).msg, command.msg);
  });
}

const refused: readonly [string, Buffer, string][] = [
  ["an end without a message", Buffer.alloc(0), "aborted"],
  ["an end within a message", binary.subarray(0, 9), "aborted"],
  ["a compressed message", envelope("x", 1), "unimplemented"],
  ["bytes that are no message", envelope("\xff\xff\xff"), "invalid_argument"],
  ["a length of 4 GiB", Buffer.from([0, 255, 255, 255, 255]), "resource_exhausted"],
];

for (const [what, bytes, code] of refused) {
  test(`${what} is refused with ${code}`, async () => {
    const stream = new PassThrough();
    stream.end(bytes);
    await assert.rejects(peek(stream), { code });
  });
}

test("the largest first message is the limit of a message", async () => {
  const stream = new PassThrough();
  const prefix = Buffer.from([0, 0, 0, 0, 0]);
  prefix.writeUInt32BE(limits.messageBytes + 1, 1);
  stream.write(prefix);
  await assert.rejects(peek(stream), {
    code: "resource_exhausted",
    message: `the first message has ${limits.messageBytes + 1} bytes, at most ${limits.messageBytes} fit`,
  });
});
