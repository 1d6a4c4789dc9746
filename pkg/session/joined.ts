import type { Entry } from "./run-event.ts";

/** Pieces are joined until they are as large as this, in bytes: large enough that keeping them costs little besides their bytes. */
const joinedBytes = 16 * 1024;
const firstBytes = 256;

/**
 * Two pieces of the same output as one, so that many small ones do not cost more than their bytes; undefined when they
 * do not follow each other, are of different kinds or are large enough.
 */
export function joined(former: Entry, next: Entry): Entry | undefined {
  const { event: a } = former;
  const { event: b } = next;
  const length = former.length + next.length;
  if (
    a.kind !== b.kind ||
    (a.kind !== "print" && a.kind !== "stdout" && a.kind !== "stderr") ||
    !("bytes" in b) ||
    former.offset + former.length !== next.offset ||
    length > joinedBytes
  ) {
    return undefined;
  }
  const bytes = roomBehind(a.bytes, length);
  bytes.set(b.bytes, former.length);
  return { offset: former.offset, length, event: { kind: a.kind, bytes } };
}

/** Memory in which pieces were joined, and how much of it is used: nobody else may write behind the last piece. */
const used = new WeakMap<ArrayBufferLike, number>();

/** The same bytes with room for more behind them, in place where nobody has used it. */
function roomBehind(bytes: Uint8Array, length: number): Uint8Array {
  const { buffer, byteOffset } = bytes;
  if (byteOffset === 0 && used.get(buffer) === bytes.length && buffer.byteLength >= length) {
    used.set(buffer, length);
    return new Uint8Array(buffer, 0, length);
  }
  let capacity = firstBytes;
  while (capacity < length) {
    capacity *= 2;
  }
  const memory = new Uint8Array(capacity);
  memory.set(bytes);
  used.set(memory.buffer, length);
  return memory.subarray(0, length);
}
