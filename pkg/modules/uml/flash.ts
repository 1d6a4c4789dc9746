import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Host } from "#pkg/host/host.ts";
import type { Call } from "../module.ts";
import { compressionOf, decompress, magicBytes } from "./compression.ts";
import { describeImage, headBytes } from "./image.ts";
import type { BoardPlan } from "./options.ts";

const reportEveryBytes = 16 * 1024 * 1024;

/** The file that xz reads; it takes the place of none. */
export const xzSpool = (plan: BoardPlan) => join(plan.state, "image.xz.new");

/**
 * Replaces a board's disk by an image of the client's. Nothing of the image is kept in memory but its head, and until all
 * of it is on the disk and found good the old disk stays in place. The board must be off.
 */
export async function flash(image: string, plan: BoardPlan, host: Host, { session, signal }: Call) {
  let receivedBytes = 0;
  const received = peekable(await session.requestFile(image), async (bytes) => {
    const before = Math.floor(receivedBytes / reportEveryBytes);
    receivedBytes += bytes;
    if (Math.floor(receivedBytes / reportEveryBytes) > before) {
      await session.print(`${receivedBytes} bytes received\n`);
    }
  });
  const compression = compressionOf(await received.peek(magicBytes));
  const spool = join(plan.state, "image.xz");
  const sha256 = createHash("sha256");
  let head = Buffer.alloc(0);
  let rawBytes = 0;
  await using next = await host.files.replace(plan.disk);
  for await (const piece of decompress(compression, received, { host, spool, signal })) {
    signal.throwIfAborted();
    sha256.update(piece);
    rawBytes += piece.length;
    if (head.length < headBytes) {
      head = Buffer.concat([head, piece.subarray(0, headBytes - head.length)]);
    }
    await next.write(piece);
  }
  const content = describeImage(head, rawBytes);
  signal.throwIfAborted();
  await next.commit();
  await session.print(`${receivedBytes} bytes received (${compression})\n`);
  await session.print(`${rawBytes} bytes on the disk: ${content}\n`);
  await session.print(`sha256 ${sha256.digest("hex")}\n`);
}

/** The same bytes, whose beginning can be looked at first. */
function peekable(source: AsyncIterable<Uint8Array>, took: (bytes: number) => Promise<void>) {
  const iterator = source[Symbol.asyncIterator]();
  let ahead = Buffer.alloc(0);
  const pull = async () => {
    const { done, value } = await iterator.next();
    if (done === true) {
      return undefined;
    }
    await took(value.length);
    return value;
  };
  return {
    async peek(length: number): Promise<Uint8Array> {
      for (let piece = new Uint8Array() as Uint8Array | undefined; ahead.length < length && piece !== undefined; ) {
        piece = await pull();
        ahead = Buffer.concat([ahead, piece ?? new Uint8Array()]);
      }
      return ahead.subarray(0, length);
    },
    async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
      try {
        yield ahead;
        for (let piece = await pull(); piece !== undefined; piece = await pull()) {
          yield piece;
        }
      } finally {
        await iterator.return?.();
      }
    },
  };
}
