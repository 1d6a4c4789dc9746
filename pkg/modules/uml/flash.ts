import { createHash } from "node:crypto";
import { join } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Call } from "../module.ts";
import { compressionOf, decompress, magicBytes } from "./compression.ts";
import { describeImage, headBytes } from "./image.ts";
import type { BoardPlan } from "./options.ts";

/** Often enough for a bar that moves, and a message for many times its own size. */
const reportEveryBytes = 1024 * 1024;

/** The file that xz reads; it takes the place of none. */
export const xzSpool = (plan: BoardPlan) => join(plan.state, "image.xz.new");

/**
 * Replaces a board's disk by an image of the client's. Nothing of the image is kept in memory but its head, and until all
 * of it is on the disk and found good the old disk stays in place. The board must be off.
 */
export async function flash(image: string, plan: BoardPlan, host: Host, { session, signal }: Call) {
  const file = await session.requestFile(image);
  const limited = (bytes: number) => refuseBeyond(plan.limitBytes, bytes);
  limited(file.attributes.size ?? 0);
  const reception = steps((done) =>
    session.progress({ done, total: file.attributes.size, unit: "bytes", label: "flash" }),
  );
  const received = peekable(file, {
    took: async (bytes) => limited(await reception.add(bytes)),
    ended: () => reception.finish(),
  });
  const compression = compressionOf(await received.peek(magicBytes));
  const spool = join(plan.state, "image.xz");
  const sha256 = createHash("sha256");
  let head = Buffer.alloc(0);
  const unpacking = steps(async (done) => {
    // xz begins when all is received.
    if (compression === "xz") {
      await session.progress({ done, total: undefined, unit: "bytes", label: "unpack" });
    }
  });
  await using next = await host.files.replace(plan.disk);
  for await (const piece of decompress(compression, received, { host, spool, signal })) {
    signal.throwIfAborted();
    limited(await unpacking.add(piece.length));
    sha256.update(piece);
    if (head.length < headBytes) {
      head = Buffer.concat([head, piece.subarray(0, headBytes - head.length)]);
    }
    await next.write(piece);
  }
  const content = describeImage(head, unpacking.done);
  signal.throwIfAborted();
  await unpacking.finish();
  await next.commit();
  await session.print(`${reception.done} bytes received (${compression})\n`);
  await session.print(`${unpacking.done} bytes on the disk: ${content}\n`);
  await session.print(`sha256 ${sha256.digest("hex")}\n`);
}

function refuseBeyond(limitBytes: number, bytes: number): void {
  if (bytes > limitBytes) {
    throw new DutError(
      "resource_exhausted",
      `the image is larger than the ${limitBytes} bytes that this board's disk may have`,
      {
        hint: "flash a smaller one, or raise the option limit; the disk is as it was",
      },
    );
  }
}

/** Counts bytes and reports them now and then, and at the end. */
function steps(report: (done: number) => Promise<void>) {
  let done = 0;
  let reported = 0;
  const tell = async () => {
    reported = done;
    await report(done);
  };
  return {
    get done() {
      return done;
    },
    async add(bytes: number): Promise<number> {
      done += bytes;
      if (done - reported >= reportEveryBytes) {
        await tell();
      }
      return done;
    },
    async finish(): Promise<void> {
      if (done > reported) {
        await tell();
      }
    },
  };
}

interface Watcher {
  took(bytes: number): Promise<void>;
  ended(): Promise<void>;
}

/** The same bytes, whose beginning can be looked at first. */
function peekable(source: AsyncIterable<Uint8Array>, watcher: Watcher) {
  const iterator = source[Symbol.asyncIterator]();
  let ahead = Buffer.alloc(0);
  const pull = async () => {
    const { done, value } = await iterator.next();
    if (done === true) {
      await watcher.ended();
      return undefined;
    }
    await watcher.took(value.length);
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
