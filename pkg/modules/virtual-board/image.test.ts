import assert from "node:assert/strict";
import { test } from "node:test";
import { describeImage } from "./image.ts";

const mib = 1024 * 1024;

function imageWith(...parts: readonly (readonly [offset: number, content: string | readonly number[]])[]): Buffer {
  const image = Buffer.alloc(mib);
  for (const [offset, content] of parts) {
    image.set(typeof content === "string" ? Buffer.from(content, "latin1") : content, offset);
  }
  return image;
}

const ext = (blocks: number) =>
  imageWith([0x438, [0x53, 0xef]], [0x404, [blocks & 0xff, (blocks >> 8) & 0xff]], [0x418, [0]]);

const partition = (firstSector: number, sectors: number, flag = 0) =>
  imageWith(
    [446, [flag, 0, 0, 0, 0x83, 0, 0, 0, firstSector & 0xff, firstSector >> 8, 0, 0, sectors & 0xff, sectors >> 8]],
    [510, [0x55, 0xaa]],
  );

for (const [what, image, description] of [
  ["an ext file system as large as the image", ext(1024), "ext file system"],
  ["a squashfs", imageWith([0, "hsqs"]), "squashfs file system"],
  ["a btrfs", imageWith([0x10040, "_BHRfS_M"]), "btrfs file system"],
  ["a partition table whose partitions end with the image", partition(1024, 1024), "boot sector"],
  ["a FAT boot sector, whose code is no partition table", partition(0xffff, 0xffff, 0x31), "boot sector"],
  ["a GPT", imageWith([512, "EFI PART"]), "GPT partition table"],
] as const) {
  test(`${what} is a disk image`, () => {
    assert.equal(describeImage(image, image.length), description);
  });
}

for (const [what, image, reason] of [
  ["nothing", Buffer.alloc(0), "it is empty"],
  ["zeros", Buffer.alloc(mib), "it has neither a file system nor a partition table that is known here"],
  ["a text", Buffer.from("hsq"), "it has neither a file system nor a partition table that is known here"],
  [
    "half a sector",
    imageWith([0, "hsqs"]).subarray(0, 700),
    "its 700 bytes are not a whole number of 512-byte sectors",
  ],
  ["half an ext", ext(1025), "its ext file system is 1049600 bytes long and the image has only 1048576"],
  ["half a disk", partition(1024, 1025), "its boot sector is 1049088 bytes long and the image has only 1048576"],
] as const) {
  test(`${what} is refused as an image`, () => {
    assert.throws(() => describeImage(image, image.length), {
      code: "invalid_argument",
      message: `this is no disk image: ${reason}`,
    });
  });
}
