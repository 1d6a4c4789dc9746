import { once } from "node:events";
import type { Duplex } from "node:stream";
import { type DescMessage, fromBinary, fromJsonString, type MessageShape } from "@bufbuild/protobuf";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { limits } from "#pkg/protocol/limits.ts";

/** Flag byte and 32-bit big-endian length: the same in gRPC, gRPC-Web and the streams of Connect. */
const prefixBytes = 5;
const compressedFlag = 1;

/**
 * Reads the first message of a stream and puts its bytes back, so that the stream can be passed on untouched.
 * Throws aborted when the client ends without one, deadline_exceeded when it sends none, resource_exhausted when it is
 * too large for a command, unimplemented when it is compressed, invalid_argument when it is not of the schema.
 */
export async function peekFirstMessage<Schema extends DescMessage>(
  stream: Duplex,
  contentType: string,
  schema: Schema,
): Promise<MessageShape<Schema>> {
  const patience = AbortSignal.timeout(limits.firstMessageMs);
  let seen: Buffer = Buffer.alloc(0);
  let needed = prefixBytes;
  while (seen.length < needed) {
    const chunk: Buffer | null = stream.read();
    if (chunk === null) {
      await more(stream, patience);
      continue;
    }
    seen = Buffer.concat([seen, chunk]);
    if (seen.length >= prefixBytes) {
      needed = prefixBytes + messageLength(seen);
    }
  }
  stream.unshift(seen);
  return decode(seen.subarray(prefixBytes, needed), contentType, schema);
}

function messageLength(seen: Buffer): number {
  if (((seen[0] as number) & compressedFlag) !== 0) {
    throw new DutError("unimplemented", "compressed requests are not supported");
  }
  const length = seen.readUInt32BE(1);
  if (length > limits.messageBytes) {
    throw new DutError(
      "resource_exhausted",
      `the first message has ${length} bytes, at most ${limits.messageBytes} fit`,
    );
  }
  return length;
}

async function more(stream: Duplex, patience: AbortSignal): Promise<void> {
  if (stream.readableEnded || stream.destroyed) {
    throw new DutError("aborted", "receiving request from client: the stream ended before a message");
  }
  const settled = new AbortController();
  const signal = AbortSignal.any([patience, settled.signal]);
  try {
    await Promise.race(["readable", "end", "close"].map((event) => once(stream, event, { signal })));
  } catch (error) {
    throw patience.aborted
      ? new DutError("deadline_exceeded", `no command within ${limits.firstMessageMs / 1000} s`)
      : new DutError("aborted", `receiving request from client: ${messageOf(error)}`, { cause: error });
  } finally {
    settled.abort();
  }
}

function decode<Schema extends DescMessage>(bytes: Buffer, contentType: string, schema: Schema): MessageShape<Schema> {
  try {
    return /\+json\b/.test(contentType)
      ? fromJsonString(schema, bytes.toString(), { ignoreUnknownFields: true })
      : fromBinary(schema, bytes);
  } catch (error) {
    throw new DutError("invalid_argument", `the first message cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
