import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempDisposable, open, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { command } from "#test/support/loop-device.ts";
import { parseBmap } from "./bmap.ts";

const skip = spawnSync("bmaptool", ["--version"]).status === 0 ? false : "needs bmaptool: apt-get install bmap-tools";

const zeros = "0".repeat(64);

interface Parts {
  readonly version?: string;
  readonly type?: string;
  readonly blocks?: string;
  readonly mapped?: string;
  readonly ranges?: string;
}

function bmapOf({ version = "2.0", type = "sha256", blocks = "10", mapped = "3", ranges = "0-1|9" }: Parts): string {
  const text = `<?xml version="1.0" ?>
<!-- The checksum is in <BmapFileChecksum> below. -->
<bmap version="${version}">
  <ImageSize> 40000 </ImageSize> <BlockSize> 4096 </BlockSize> <BlocksCount> ${blocks} </BlocksCount>
  <MappedBlocksCount> ${mapped} </MappedBlocksCount>
  <ChecksumType> ${type} </ChecksumType> <BmapFileChecksum> ${zeros} </BmapFileChecksum>
  <BlockMap>
${ranges
  .split("|")
  .map((range) => `    <Range> ${range} </Range>`)
  .join("\n")}
  </BlockMap>
</bmap>
`;
  return text.replace(zeros, createHash("sha256").update(text).digest("hex"));
}

test("a block map of bmaptool names the parts with content and their checksums", { skip }, async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "bmap-"));
  const [image, bmap] = [join(folder.path, "image"), join(folder.path, "image.bmap")];
  const content = Buffer.alloc(8192, "content");
  {
    await using file = await open(image, "w");
    await file.write(content, 0, 8192, 0);
    await file.write(content, 0, 4096, 65_536);
    await file.truncate(100_000);
  }
  command("bmaptool", "create", image, "-o", bmap);
  const sum = (length: number) => createHash("sha256").update(content.subarray(0, length)).digest("hex");
  assert.deepEqual(parseBmap(await readFile(bmap, "utf8")), {
    imageBytes: 100_000,
    ranges: [
      { at: 0, length: 8192, sha256: sum(8192) },
      { at: 65_536, length: 4096, sha256: sum(4096) },
    ],
  });
});

test("a range that ends with the image ends where the image does, and checksums may be missing", () => {
  assert.deepEqual(parseBmap(bmapOf({})).ranges, [
    { at: 0, length: 8192, sha256: undefined },
    { at: 36_864, length: 3136, sha256: undefined },
  ]);
});

test("a block map that was changed is told by its own checksum", () => {
  assert.throws(() => parseBmap(bmapOf({}).replace("40000", "40001")), {
    code: "data_loss",
    message: /^the bmap is damaged: its SHA-256 is [0-9a-f]{64}, and it says "[0-9a-f]{64}"$/,
  });
});

for (const [what, text, reason] of [
  ["an image", "\x1f\x8b", "it has no element bmap"],
  ["a map of version 1", bmapOf({ version: "1.4" }), 'its version is "1.4", not 2.0'],
  ["a map with other checksums", bmapOf({ type: "sha1" }), 'its checksums are "sha1", not sha256'],
  ["a map of fewer blocks than the image has", bmapOf({ blocks: "9" }), "9 blocks of 4096 bytes are no image of 40000"],
  ["a number that is none", bmapOf({ blocks: "ten" }), 'its BlocksCount is "ten"'],
  ["a range behind the end", bmapOf({ ranges: "0-1|10" }), "its range 10-10 is out of place"],
  ["ranges that overlap", bmapOf({ ranges: "0-2|2" }), "its range 2-2 is out of place"],
  ["a range backwards", bmapOf({ ranges: "5-3" }), "its range 5-3 is out of place"],
  ["ranges that were lost", bmapOf({ ranges: "0-1" }), "its ranges have 2 blocks, and it says 3"],
] as const) {
  test(`${what} is refused as a block map`, () => {
    assert.throws(() => parseBmap(text), {
      code: "invalid_argument",
      message: `this is no bmap that is known here: ${reason}`,
    });
  });
}
