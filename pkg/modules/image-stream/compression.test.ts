import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { compressionOf, decompress } from "./compression.ts";

const processes = nodeProcesses();
const skip = spawnSync("xz", ["--version"]).status === 0 ? false : "needs xz: apt-get install xz-utils";
const xz = (bytes: Buffer, ...args: readonly string[]) => spawnSync("xz", ["-c", ...args], { input: bytes }).stdout;

const image = Buffer.alloc(300_000, "an image, of which there is more than a piece. ");

async function unpacked(pieces: AsyncIterable<Uint8Array>, head: Uint8Array, signal: AbortSignal): Promise<Buffer> {
  const content = decompress(compressionOf(head), pieces, { processes, signal });
  return Buffer.concat(await Array.fromAsync(content, (piece) => Buffer.from(piece)));
}

for (const [kind, pack, skipped] of [
  ["raw", (bytes: Buffer) => bytes, false],
  ["gzip", gzipSync, false],
  ["zstd", zstdCompressSync, false],
  ["xz", xz, skip],
] as const) {
  test(`${kind} comes out as it was, and a source that fails fails with its own error`, {
    skip: skipped,
  }, async (t) => {
    const packed: Buffer = pack(image);
    async function* source(end: () => void) {
      yield packed.subarray(0, packed.length / 2);
      end();
      yield packed.subarray(packed.length / 2);
    }
    const leave = () => {
      throw new Error("the client left");
    };
    assert.equal(compressionOf(packed), kind);
    assert.deepEqual(
      await unpacked(
        source(() => {}),
        packed,
        t.signal,
      ),
      image,
    );
    await assert.rejects(unpacked(source(leave), packed, t.signal), new Error("the client left"));
  });
}

test("an xz image that asks for more memory than the largest preset is refused", { skip }, async (t) => {
  const packed = xz(image, "--lzma2=preset=6,dict=512MiB");
  async function* source() {
    yield packed;
  }
  await assert.rejects(unpacked(source(), packed, t.signal), {
    code: "data_loss",
    message: /^the xz image is damaged: .*[Mm]emory usage limit/,
  });
});
