import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { memoryHost } from "#test/support/memory-host.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { flash } from "./flash.ts";
import { planBoard, umlOptions } from "./options.ts";

const host = memoryHost({ files: nodeFiles(), processes: nodeProcesses() });
const mib = 1024 * 1024;

/** Flashes an image over an old disk; what was said, and what there is afterwards. */
async function flashed(image: Buffer, options: object = {}) {
  await using directory = await mkdtempDisposable(join(tmpdir(), "flash-"));
  const plan = planBoard(umlOptions.parse({ state: directory.path, ...options }));
  await writeFile(plan.disk, "old");
  const { call, transcript } = recordedCall(["flash", "image"], { files: { image } });
  const error = await flash("image", plan, host, call).then(
    () => undefined,
    ({ code, message }) => ({ code, message }),
  );
  return {
    error,
    said: transcript.slice(1).filter((utterance) => !JSON.stringify(utterance).includes("sha256")),
    old: (await readFile(plan.disk, "latin1")) === "old",
    left: await readdir(directory.path),
  };
}

function squashfs(bytes: number): Buffer {
  const image = Buffer.alloc(bytes);
  image.write("hsqs");
  return image;
}

const progress = (label: string, done: number, total: number | undefined) => ({
  progress: { done, total, unit: "bytes", label },
});

test("a flash says how far it is, of how much", async () => {
  const image = squashfs(3 * mib);
  assert.deepEqual(await flashed(image), {
    error: undefined,
    said: [
      progress("flash", 3 * mib, 3 * mib),
      { print: `${3 * mib} bytes received (raw)\n` },
      { print: `${3 * mib} bytes on the disk: squashfs file system\n` },
    ],
    old: false,
    left: ["disk.img"],
  });
});

test("an xz image is unpacked while it comes, without a file of its own", {
  skip: spawnSync("xz", ["--version"]).status === 0 ? false : "needs xz: apt-get install xz-utils",
}, async () => {
  const { stdout } = spawnSync("xz", ["-c"], { input: squashfs(3 * mib) });
  assert.deepEqual(await flashed(stdout), {
    error: undefined,
    said: [
      progress("flash", stdout.length, stdout.length),
      { print: `${stdout.length} bytes received (xz)\n` },
      { print: `${3 * mib} bytes on the disk: squashfs file system\n` },
    ],
    old: false,
    left: ["disk.img"],
  });
});

for (const [kind, image] of [
  ["a raw image", squashfs(2 * mib)],
  ["a gzip image that unpacks to a thousand times its size", gzipSync(squashfs(64 * mib))],
  ["a zstd image that unpacks to a thousand times its size", zstdCompressSync(squashfs(64 * mib))],
] as const) {
  test(`${kind} beyond the limit is refused, and the old disk stays`, async () => {
    const { error, old, left } = await flashed(image, { limit: "1M" });
    assert.deepEqual(
      { error, old, left },
      {
        error: {
          code: "resource_exhausted",
          message: "the image is larger than the 1048576 bytes that this board's disk may have",
        },
        old: true,
        left: ["disk.img"],
      },
    );
  });
}

test("an image that says it is too large is refused before any of it is taken", async () => {
  const { said } = await flashed(squashfs(2 * mib), { limit: "1M" });
  assert.deepEqual(said, []);
});
