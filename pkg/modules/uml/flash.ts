import { createHash } from "node:crypto";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import { compressionOf, decompress, magicBytes } from "../image-stream/compression.ts";
import { peekable } from "../image-stream/peekable.ts";
import { steps } from "../image-stream/steps.ts";
import type { Call } from "../module.ts";
import { describeImage, headBytes } from "./image.ts";
import type { BoardPlan } from "./options.ts";

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
  const sha256 = createHash("sha256");
  let head = Buffer.alloc(0);
  let size = 0;
  await using next = await host.files.replace(plan.disk);
  for await (const piece of decompress(compression, received, { processes: host.processes, signal })) {
    signal.throwIfAborted();
    size += piece.length;
    limited(size);
    sha256.update(piece);
    if (head.length < headBytes) {
      head = Buffer.concat([head, piece.subarray(0, headBytes - head.length)]);
    }
    await next.write(piece);
  }
  const content = describeImage(head, size);
  signal.throwIfAborted();
  await next.commit();
  await session.print(`${reception.done} bytes received (${compression})\n`);
  await session.print(`${size} bytes on the disk: ${content}\n`);
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
