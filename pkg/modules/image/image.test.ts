import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempDisposable, open, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { createGzip, gzipSync, zstdCompressSync } from "node:zlib";
import { command, openLoopDevice, withoutLoopDevices } from "#test/support/loop-device.ts";
import { peakMegabytes, resetPeak, residentMegabytes } from "#test/support/process-memory.ts";
import { changedAt, mib, runArgs, sha256, whole } from "./test/run-image.ts";

const unavailable = (program: string, debianPackage: string) =>
  spawnSync(program, ["--version"]).status === 0 ? false : `needs ${program}: apt-get install ${debianPackage}`;

suite("an image on a block device", { skip: withoutLoopDevices }, () => {
  for (const [kind, sent, skip] of [
    ["raw", () => whole, false],
    ["gzip", () => gzipSync(whole), false],
    ["zstd", () => zstdCompressSync(whole), false],
    ["xz", () => spawnSync("xz", ["-c"], { input: whole, maxBuffer: 8 * mib }).stdout, unavailable("xz", "xz-utils")],
  ] as const) {
    test(`is written and read back, sent as ${kind}`, { skip }, async () => {
      await using loop = await openLoopDevice({ bytes: 8 * mib });
      const bytes = sent();
      const { said } = await runArgs({ device: loop.path }, ["write", "image"], { image: bytes });
      const medium = await readFile(loop.medium);
      assert.deepEqual(
        {
          said,
          same: medium.subarray(0, whole.length).equals(whole),
          rest: medium.subarray(whole.length).some(Boolean),
        },
        {
          said: [
            `${bytes.length} bytes received (${kind})\n`,
            `${whole.length} of the image's ${whole.length} bytes written to ${loop.path}\n`,
            `read back and found the same, sha256 ${sha256(whole)}\n`,
          ],
          same: true,
          rest: false,
        },
      );
    });
  }

  test("that is smaller than what is held back for the end leaves what follows it", async () => {
    await using loop = await openLoopDevice({ bytes: 2 * mib });
    await writeFile(loop.path, "x".repeat(2 * mib));
    const { said } = await runArgs({ device: loop.path }, ["write", "image"], { image: Buffer.from("loader") });
    assert.deepEqual(
      [said.slice(0, 2), (await readFile(loop.medium, "latin1")).slice(0, 1000)],
      [["6 bytes received (raw)\n", `6 of the image's 6 bytes written to ${loop.path}\n`], `loader${"x".repeat(994)}`],
    );
  });

  test("says how far it is, of what is received and then of what is read back", async () => {
    await using loop = await openLoopDevice({ bytes: 8 * mib });
    const { transcript } = await runArgs({ device: loop.path }, ["write", "image"], { image: whole });
    const unit = "bytes" as const;
    assert.deepEqual(
      transcript.flatMap((said) => ("progress" in said ? [said.progress] : [])),
      [
        { done: whole.length, total: whole.length, unit, label: "write" },
        { done: mib, total: 2 * mib + 512, unit, label: "verify" },
        { done: 2 * mib, total: 2 * mib + 512, unit, label: "verify" },
        { done: 2 * mib + 512, total: 2 * mib + 512, unit, label: "verify" },
      ],
    );
  });

  test("with a map of bmaptool is written where it has content", {
    skip: unavailable("bmaptool", "bmap-tools"),
  }, async () => {
    await using loop = await openLoopDevice({ bytes: 32 * mib });
    await using folder = await mkdtempDisposable(join(tmpdir(), "image-"));
    const [path, map] = [join(folder.path, "image"), join(folder.path, "image.bmap")];
    {
      await using file = await open(path, "w");
      await file.write(whole, 0, 8192, 0);
      await file.write(whole, 0, 2 * mib, 20 * mib);
      await file.truncate(32 * mib);
    }
    command("bmaptool", "create", path, "-o", map);
    // Where the map has nothing, the medium keeps what it had.
    await using device = await open(loop.path, "r+");
    await device.write(Buffer.from("kept"), 0, 4, 8 * mib);
    await device.sync();
    const image = await readFile(path);
    const { said } = await runArgs({ device: loop.path }, ["write", "image.gz", "image.bmap"], {
      "image.gz": gzipSync(image),
      "image.bmap": await readFile(map),
    });
    const medium = await readFile(loop.medium);
    const kept = medium.toString("latin1", 8 * mib, 8 * mib + 4);
    assert.deepEqual(
      [said.slice(1), kept, medium.fill(0, 8 * mib, 8 * mib + 4).equals(image)],
      [
        [
          `${2 * mib + 8192} of the image's ${32 * mib} bytes written to ${loop.path}\n`,
          "read back and found the same\n",
        ],
        "kept",
        true,
      ],
    );
    const other = await runArgs({ device: loop.path }, ["write", "image", "image.bmap"], {
      image: changedAt(image, 20 * mib + 5),
      "image.bmap": await readFile(map),
    });
    assert.match(
      other.said.join(""),
      /^data_loss: the image differs from its bmap between the bytes 20971520 and 23068671; the content of \S+ is undefined now, with 2097152 bytes of the image on it \(get the image again, and the bmap that was made of it\)$/,
    );
    const short = await runArgs({ device: loop.path }, ["write", "image", "image.bmap"], {
      image: image.subarray(0, 30 * mib),
      "image.bmap": await readFile(map),
    });
    assert.match(short.said.join(""), /^data_loss: the image has only 31457280 bytes, and its bmap says 33554432;/);
  });

  test("that was on the agent already is written from there", async () => {
    await using loop = await openLoopDevice({ bytes: 8 * mib });
    await using folder = await mkdtempDisposable(join(tmpdir(), "image-"));
    const file = join(folder.path, "image.zst");
    await writeFile(file, zstdCompressSync(whole));
    const options = { device: loop.path, file, verify: false };
    const { said } = await runArgs(options, ["write"]);
    assert.deepEqual(
      [said.slice(1), (await readFile(loop.medium)).subarray(0, whole.length).equals(whole)],
      [
        [
          `${whole.length} of the image's ${whole.length} bytes written to ${loop.path}\n`,
          `not read back, sha256 ${sha256(whole)}\n`,
        ],
        true,
      ],
    );
    assert.deepEqual((await runArgs(options, ["write", "other"])).said, [
      `invalid_argument: write takes the image ${file}, and not "other" (use write, read <image> [bytes] or status)`,
    ]);
  });

  test("is sent to the client, whole or its beginning", async () => {
    await using loop = await openLoopDevice({ bytes: 2 * mib });
    await writeFile(loop.path, "medium".repeat(100));
    const { transcript } = await runArgs({ device: loop.path }, ["read", "copy", "9"]);
    const all = await runArgs({ device: loop.path }, ["read", "copy"]);
    const more = await runArgs({ device: loop.path }, ["read", "copy", `${2 * mib + 1}`]);
    assert.deepEqual(
      [transcript.at(-2), transcript.at(-1), all.said, more.said],
      [
        { sent: "copy", content: "mediummed" },
        { print: `9 bytes read from ${loop.path}\n` },
        [`${2 * mib} bytes read from ${loop.path}\n`],
        [`out_of_range: ${loop.path} has only ${2 * mib} bytes (ask for fewer, or for all)`],
      ],
    );
  });

  test("of a gigabyte, which comes as a few kilobytes, needs no more memory than a small one", async (t) => {
    await using loop = await openLoopDevice({ bytes: 1024 * mib });
    const packed = createGzip({ level: 1 });
    const pieces = Array.fromAsync(packed as AsyncIterable<Buffer>);
    for (let piece = 0; piece < 1024; piece++) {
      if (!packed.write(Buffer.alloc(mib))) {
        await new Promise((resolve) => packed.once("drain", resolve));
      }
    }
    packed.end();
    const image = Buffer.concat(await pieces);
    const before = await residentMegabytes(process.pid);
    await resetPeak(process.pid);
    const began = performance.now();
    const { said } = await runArgs({ device: loop.path, verify: true }, ["write", "image"], { image });
    const grown = (await peakMegabytes(process.pid)) - before;
    t.diagnostic(
      `1 GiB written and read back in ${Math.round(performance.now() - began)} ms with ${Math.round(grown)} MB more than before`,
    );
    assert.equal(said[1], `${1024 * mib} of the image's ${1024 * mib} bytes written to ${loop.path}\n`);
    assert.ok(grown < 150, `${grown} MB`);
  });
});
