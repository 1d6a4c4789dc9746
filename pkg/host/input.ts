import type { Writable } from "node:stream";

/** What a program finds at the end of its input: the end of its pipe, or the key of its terminal that says so. */
export type EndOfInput = "pipe" | "terminal";

/** VEOF, Ctrl-D. */
const endKey = Buffer.from("\x04");
const lineFeed = 0x0a;

/**
 * Hands a program all of a source as fast as it takes it, then the end of its input. Resolves then, or when the program
 * takes no more; the source is not waited for after that. Rejects with what the source throws, and leaves the input open:
 * half an input must not look like a whole one.
 */
export async function feed(source: AsyncIterable<Uint8Array>, sink: Writable, end: EndOfInput): Promise<void> {
  const pieces = source[Symbol.asyncIterator]();
  const next = async () => {
    const result = await pieces.next();
    return result.done === true ? "over" : result.value;
  };
  let lastByte: number | undefined = lineFeed;
  for (;;) {
    const piece = await unlessClosed(sink, next());
    if (piece === undefined) {
      // A source that waits for its user answers only when the user does.
      void pieces.return?.().catch(() => {});
      return;
    }
    if (piece === "over") {
      break;
    }
    lastByte = piece.at(-1) ?? lastByte;
    if (!sink.write(piece)) {
      const { promise: drained, resolve } = Promise.withResolvers<void>();
      sink.once("drain", resolve);
      await unlessClosed(sink, drained);
    }
  }
  if (end === "pipe") {
    sink.end();
  } else {
    // In the middle of a line the key only hands over what was typed so far; a second one is the end.
    sink.write(lastByte === lineFeed ? endKey : Buffer.concat([endKey, endKey]));
  }
}

/** Undefined as soon as the stream is closed. */
async function unlessClosed<T>(sink: Writable, awaited: Promise<T>): Promise<T | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
  const closed = () => resolve(undefined);
  sink.once("close", closed);
  if (sink.destroyed) {
    closed();
  }
  awaited.then(resolve, reject);
  try {
    return await promise;
  } finally {
    sink.off("close", closed);
  }
}
