import { DutError } from "#pkg/errors/dut-error.ts";

/** How much of an image's beginning `describeImage` wants to see: btrfs has its magic number farthest in, at 64 KiB. */
export const headBytes = 68 * 1024;

const sectorBytes = 512;

/** File systems of the kernel that are known by a magic number at one place. */
const magics: readonly (readonly [name: string, offset: number, magic: string])[] = [
  ["squashfs", 0, "hsqs"],
  ["xfs", 0, "XFSB"],
  ["romfs", 0, "-rom1fs-"],
  ["cramfs", 0, "\x45\x3d\xcd\x28"],
  ["erofs", 1024, "\xe2\xe1\xf5\xe0"],
  ["f2fs", 1024, "\x10\x20\xf5\xf2"],
  ["iso9660", 0x8001, "CD001"],
  ["btrfs", 0x10040, "_BHRfS_M"],
];

/**
 * Says what a disk image holds. Throws invalid_argument for what is evidently no image or not all of one: an odd size, no
 * file system and no partition table at its place, or one that says it is larger than the image.
 */
export function describeImage(beginning: Uint8Array, size: number): string {
  if (size === 0) {
    throw refused("it is empty");
  }
  const head = Buffer.alloc(headBytes);
  head.set(beginning.subarray(0, headBytes));
  const [name, needed] = contentOf(head);
  if (size % sectorBytes !== 0) {
    throw refused(`its ${size} bytes are not a whole number of ${sectorBytes}-byte sectors`);
  }
  if (needed > size) {
    throw refused(`its ${name} is ${needed} bytes long and the image has only ${size}`);
  }
  return name;
}

/** What is there, and how many bytes it says it takes; 0 when it does not say. */
function contentOf(head: Buffer): readonly [name: string, bytes: number] {
  const at = (offset: number, length: number) => head.toString("latin1", offset, offset + length);
  if (at(0x438, 2) === "\x53\xef") {
    return ["ext file system", head.readUInt32LE(0x404) * 1024 * 2 ** head.readUInt32LE(0x418)];
  }
  for (const [name, offset, magic] of magics) {
    if (at(offset, magic.length) === magic) {
      return [`${name} file system`, name === "squashfs" ? Number(head.readBigUInt64LE(40)) : 0];
    }
  }
  if (at(sectorBytes, 8) === "EFI PART") {
    return ["GPT partition table", (Number(head.readBigUInt64LE(sectorBytes + 32)) + 1) * sectorBytes];
  }
  if (at(510, 2) === "\x55\xaa") {
    return ["boot sector", endOfPartitions(head)];
  }
  throw refused("it has neither a file system nor a partition table that is known here");
}

/** A FAT boot sector has the same signature and its own code where the table would be: a table has no other flags than these. */
function endOfPartitions(head: Buffer): number {
  const entries = [446, 462, 478, 494].map((offset) => head.subarray(offset, offset + 16));
  if (!entries.every((entry) => entry[0] === 0 || entry[0] === 0x80)) {
    return 0;
  }
  const ends = entries.filter((entry) => entry[4] !== 0).map((entry) => entry.readUInt32LE(8) + entry.readUInt32LE(12));
  return Math.max(0, ...ends) * sectorBytes;
}

function refused(reason: string): DutError {
  return new DutError("invalid_argument", `this is no disk image: ${reason}`, {
    hint: "flash a raw disk image, or one compressed with gzip, zstd or xz; the disk is as it was",
  });
}
