import { DutError } from "#pkg/errors/dut-error.ts";

/** What a file in the format of QEMU (docs/interop/qcow2.txt) begins with. */
const magic = 0x514649fb;

/** An incompatible feature of version 3: the content is in another file. */
const externalDataBit = 2n;

/**
 * Says what a qcow2 image holds. Throws invalid_argument for what is none, or one that takes content from another file of
 * the agent (a backing file, a data file); resource_exhausted when the disk in it is larger than `limitBytes`.
 */
export function describeQcow2(beginning: Uint8Array, limitBytes: number): string {
  const head = Buffer.alloc(104);
  head.set(beginning.subarray(0, head.length));
  const version = head.readUInt32BE(4);
  if (head.readUInt32BE(0) !== magic || (version !== 2 && version !== 3)) {
    throw refused("it does not begin as qcow2 does");
  }
  if (head.readBigUInt64BE(8) !== 0n) {
    throw refused("it needs a backing file");
  }
  if (version === 3 && (head.readBigUInt64BE(72) >> externalDataBit) % 2n === 1n) {
    throw refused("it keeps its data in another file");
  }
  const size = head.readBigUInt64BE(24);
  if (size > BigInt(limitBytes)) {
    throw new DutError("resource_exhausted", `the disk in the image has ${size} bytes, and ${limitBytes} are allowed`, {
      hint: "flash a smaller one, or raise the option limit; the disk is as it was",
    });
  }
  return `qcow2 with a disk of ${size} bytes`;
}

function refused(reason: string): DutError {
  return new DutError("invalid_argument", `this is no qcow2 image for this board: ${reason}`, {
    hint: "make one with qemu-img convert -O qcow2, or set the option format; the disk is as it was",
  });
}
