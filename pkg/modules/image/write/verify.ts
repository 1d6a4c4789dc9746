import { createHash } from "node:crypto";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Disk } from "#pkg/host/disks.ts";
import { steps } from "#pkg/modules/image-stream/steps.ts";
import type { Call } from "#pkg/modules/module.ts";
import type { HeadLast } from "./head-last.ts";
import type { SummedRange } from "./ranges.ts";

/** Reads from the medium all but the head that is held. Throws data_loss where it is not what was written. */
export async function compareRest(
  disk: Disk,
  head: HeadLast,
  ranges: readonly SummedRange[],
  call: Call,
): Promise<void> {
  const { session, signal } = call;
  const rests = ranges.map(({ at, length }) => Math.max(at, Math.min(head.restAt, at + length)));
  const total = ranges.reduce((sum, { at, length }, index) => sum + at + length - (rests[index] as number), 0);
  const reading = steps((done) => session.progress({ done, total, unit: "bytes", label: "verify" }));
  for (const [index, { at, length, sha256 }] of ranges.entries()) {
    const rest = rests[index] as number;
    const sum = createHash("sha256").update(head.held.subarray(at, rest));
    for await (const piece of disk.read(rest, at + length - rest)) {
      signal.throwIfAborted();
      sum.update(piece);
      await reading.add(piece.length);
    }
    if (sum.digest("hex") !== sha256) {
      throw differs(disk, rest, at + length);
    }
  }
  await reading.finish();
}

/** Reads the head, which is there by now. */
export async function compareHead(disk: Disk, { held }: HeadLast): Promise<void> {
  let at = 0;
  for await (const piece of disk.read(0, held.length)) {
    if (Buffer.compare(piece, held.subarray(at, at + piece.length)) !== 0) {
      throw differs(disk, 0, held.length);
    }
    at += piece.length;
  }
}

function differs({ path }: Disk, from: number, end: number): DutError {
  return new DutError(
    "data_loss",
    `${path} does not hold what was written to it: it differs between the bytes ${from} and ${end - 1}`,
    { hint: "use another card: this one is worn out, or smaller than it says" },
  );
}
