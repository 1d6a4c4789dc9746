import { DutError } from "#pkg/errors/dut-error.ts";

/** Flag byte and 32-bit big-endian length, before every message. */
const prefixBytes = 5;
const compressedFlag = 1;

/** A message as it travels. Throws resource_exhausted when it is larger than `limit` bytes. */
export function enveloped(message: Uint8Array, limit: number): Buffer {
  refuseLarge("sent", message.length, limit);
  const envelope = Buffer.allocUnsafe(prefixBytes + message.length);
  envelope[0] = 0;
  envelope.writeUInt32BE(message.length, 1);
  envelope.set(message, prefixBytes);
  return envelope;
}

/**
 * The messages in a stream of envelopes, however their bytes are cut. Holds at most one message of `limit` bytes and
 * what arrived with it. Throws resource_exhausted for a larger one before it is read, and internal for a compressed or
 * an incomplete one.
 */
export async function* messagesIn(chunks: AsyncIterable<Buffer>, limit: number): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let bytes = 0;
  let needed = prefixBytes;
  for await (const chunk of chunks) {
    held.push(chunk);
    bytes += chunk.length;
    if (bytes < needed) {
      continue;
    }
    let rest = held.length === 1 ? chunk : Buffer.concat(held);
    for (;;) {
      needed = prefixBytes + (rest.length < prefixBytes ? 0 : messageLength(rest, limit));
      if (rest.length < prefixBytes || rest.length < needed) {
        break;
      }
      yield rest.subarray(prefixBytes, needed);
      rest = rest.subarray(needed);
    }
    held = rest.length === 0 ? [] : [rest];
    bytes = rest.length;
  }
  if (bytes > 0) {
    throw new DutError("internal", "the peer ended its answer within a message");
  }
}

function messageLength(bytes: Buffer, limit: number): number {
  if (((bytes[0] as number) & compressedFlag) !== 0) {
    throw new DutError("internal", "the peer sent a compressed message, which it was not offered");
  }
  const length = bytes.readUInt32BE(1);
  refuseLarge("received", length, limit);
  return length;
}

function refuseLarge(direction: "sent" | "received", length: number, limit: number): void {
  if (length > limit) {
    throw new DutError("resource_exhausted", `a message of ${length} bytes is not ${direction}, at most ${limit} fit`);
  }
}
