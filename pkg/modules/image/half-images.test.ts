import assert from "node:assert/strict";
import { readFile, truncate, writeFile } from "node:fs/promises";
import { suite, test } from "node:test";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import type { Disks } from "#pkg/host/disks.ts";
import { command, openLoopDevice, withoutLoopDevices } from "#test/support/loop-device.ts";
import { mountsAreMissing, PrivateMount } from "#test/support/private-mount.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { changedAt, content, mib, parts, run, runArgs, whole } from "./test/run-image.ts";

suite("an image that cannot be written whole", { skip: withoutLoopDevices }, () => {
  test("that is larger than the device is refused before any of it is taken", async () => {
    await using loop = await openLoopDevice({ bytes: 2 * mib });
    const { said } = await runArgs({ device: loop.path }, ["write", "image"], { image: whole });
    assert.deepEqual(said, [
      `resource_exhausted: the image is larger than the ${2 * mib} bytes of the device (use a larger card, or a smaller image)`,
    ]);
  });

  test("that turns out to be larger than the device has no beginning there, and the user is told", async () => {
    await using loop = await openLoopDevice({ bytes: 2 * mib });
    await writeFile(loop.path, "old system".repeat(1000));
    const { said } = await runArgs({ device: loop.path }, ["write", "image"], { image: gzipSync(whole) });
    const medium = await readFile(loop.medium);
    assert.deepEqual(
      [said, medium.subarray(0, mib).some(Boolean)],
      [
        [
          `resource_exhausted: the image is larger than the ${2 * mib} bytes of the device; the content of ${loop.path} is undefined now, with ${mib} bytes of the image on it (use a larger card, or a smaller image)`,
        ],
        false,
      ],
    );
  });

  for (const [what, bytes, reason] of [
    ["a gzip stream that is cut off", gzipSync(whole).subarray(0, -1000), /^data_loss: the gzip image is damaged: /],
    [
      "a zstd stream with a changed byte",
      changedAt(zstdCompressSync(whole, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }), 2_500_000),
      /^data_loss: the zstd image is damaged: /,
    ],
  ] as const) {
    test(`${what} leaves a device without a beginning`, async () => {
      await using loop = await openLoopDevice({ bytes: 8 * mib });
      await writeFile(loop.path, "old system".repeat(1000));
      const { said } = await runArgs({ device: loop.path }, ["write", "image"], { image: bytes });
      assert.match(said.join(""), reason);
      assert.equal((await readFile(loop.medium)).subarray(0, mib).some(Boolean), false);
    });
  }

  test("does not survive a medium that loses bits", async () => {
    await using loop = await openLoopDevice({ bytes: 8 * mib });
    const { call, transcript } = recordedCall(["write", "image"], { files: { image: whole } });
    const said = await run({ device: loop.path }, call, transcript, losingBits(parts.disks, 2 * mib + 7));
    assert.deepEqual(said, [
      `data_loss: ${loop.path} does not hold what was written to it: it differs between the bytes ${mib} and ${whole.length - 1}; the content of ${loop.path} is undefined now, with ${2 * mib + 512} bytes of the image on it (use another card: this one is worn out, or smaller than it says)`,
    ]);
    const atHead = recordedCall(["write", "image"], { files: { image: whole } });
    assert.match(
      (await run({ device: loop.path }, atHead.call, atHead.transcript, losingBits(parts.disks, 7))).join(""),
      /^data_loss: \S+ does not hold what was written to it: it differs between the bytes 0 and 1048575;/,
    );
  });

  test("whose run is cancelled ends at once, with the device closed and without a beginning", async () => {
    await using loop = await openLoopDevice({ bytes: 64 * mib });
    await writeFile(loop.path, "old system".repeat(1000));
    const ending = new AbortController();
    async function* endless() {
      for (let piece = 0; ; piece++) {
        if (piece === 20) {
          ending.abort(new Error("the user left"));
        }
        yield whole.subarray(0, mib);
      }
    }
    const { call, transcript } = streamed(endless(), undefined, ending.signal);
    const said = await run({ device: loop.path }, call, transcript);
    await using again = await parts.disks.open(loop.path, "write");
    assert.deepEqual(
      [said, again.path, (await readFile(loop.medium)).subarray(0, mib).some(Boolean)],
      [["undefined: the user left"], loop.path, false],
    );
  });

  test("whose medium goes away in the middle ends with the kernel's words", async () => {
    await using loop = await openLoopDevice({ bytes: 64 * mib });
    async function* source() {
      for (let piece = 0; piece < 60; piece++) {
        if (piece === 20) {
          await truncate(loop.medium, 4 * mib);
          command("losetup", "--set-capacity", loop.path);
        }
        yield whole.subarray(0, mib);
      }
    }
    const { call, transcript } = streamed(source(), 60 * mib);
    const said = await run({ device: loop.path }, call, transcript);
    assert.match(
      said.join(""),
      /^(resource_exhausted|unavailable): write \S+: (no space left on the device|input\/output error); the content of \S+ is undefined now, with \d+ bytes of the image on it \(write it again\)$/,
    );
  });

  test("whose medium cannot keep any more ends with the kernel's words", {
    skip: mountsAreMissing ?? false,
  }, async () => {
    await using mount = await PrivateMount.tmpfs(4 * mib);
    await using loop = await openLoopDevice({ bytes: 64 * mib, folder: mount.seen });
    const { said } = await runArgs({ device: loop.path }, ["write", "image"], { image: content(8 * mib) });
    assert.match(
      said.join(""),
      /^(unavailable|resource_exhausted): write \S+: (input\/output error|no space left on the device); the content of/,
    );
  });
});

/** A call whose image comes from a stream. */
function streamed(source: AsyncIterable<Uint8Array>, size: number | undefined, signal?: AbortSignal) {
  const { call, transcript } = recordedCall(["write", "image"], signal === undefined ? {} : { signal });
  const requestFile = async () => Object.assign(source, { attributes: { size } });
  return { call: { ...call, session: { ...call.session, requestFile } }, transcript };
}

/** The same disks, whose media give back one changed bit. */
function losingBits(disks: Disks, lost: number): Disks {
  return {
    ...disks,
    async open(path, mode) {
      const disk = await disks.open(path, mode);
      const read = disk.read.bind(disk);
      return Object.assign(disk, {
        async *read(at: number, length: number) {
          let place = at;
          for await (const piece of read(at, length)) {
            const index = lost - place;
            if (index >= 0 && index < piece.length) {
              piece[index] = (piece[index] as number) ^ 1;
            }
            place += piece.length;
            yield piece;
          }
        },
      });
    },
  };
}
