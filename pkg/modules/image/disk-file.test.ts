import assert from "node:assert/strict";
import { mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import { mountsAreMissing, PrivateMount } from "#test/support/private-mount.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { image } from "./image.ts";
import { mib, parts, runArgs, sha256, whole } from "./test/run-image.ts";

suite("a disk that is a file", () => {
  test("is replaced as a whole when the image is there and compared", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "image-"));
    const disk = join(folder.path, "disk.img");
    const first = await runArgs({ disk }, ["status"]);
    await writeFile(disk, "old");
    const damaged = await runArgs({ disk }, ["write", "image"], { image: gzipSync(whole).subarray(0, -10) });
    const kept = [await readFile(disk, "latin1"), await readdir(folder.path)];
    const { said } = await runArgs({ disk }, ["write", "image"], { image: gzipSync(whole) });
    assert.deepEqual(
      {
        status: [first.said, (await runArgs({ disk }, ["status"])).said],
        damaged: damaged.said,
        kept,
        said: said.slice(1),
        same: (await readFile(disk)).equals(whole),
        left: await readdir(folder.path),
      },
      {
        status: [[`${disk}: not there yet\n`], [`${disk}: ${whole.length} bytes\n`]],
        damaged: ["data_loss: the gzip image is damaged: unexpected end of file (send a whole one)"],
        kept: ["old", ["disk.img"]],
        said: [
          `${whole.length} of the image's ${whole.length} bytes written to ${disk}\n`,
          `read back and found the same, sha256 ${sha256(whole)}\n`,
        ],
        same: true,
        left: ["disk.img"],
      },
    );
    const beginning = await runArgs({ disk }, ["read", "copy", "5"]);
    assert.deepEqual(beginning.said, [`5 bytes read from ${disk}\n`]);
  });

  test("stays as it was when its file system is full or the image larger than the limit", {
    skip: mountsAreMissing ?? false,
  }, async () => {
    await using mount = await PrivateMount.tmpfs(2 * mib);
    const disk = join(mount.seen, "disk.img");
    await writeFile(disk, "old");
    assert.deepEqual(
      [
        (await runArgs({ disk }, ["write", "image"], { image: whole })).said,
        (await runArgs({ disk, limit: "1M" }, ["write", "image"], { image: whole })).said,
        await readFile(disk, "latin1"),
        await readdir(mount.seen),
      ],
      [
        [`resource_exhausted: write ${disk}.new: no space left on the device`],
        [
          "resource_exhausted: the image is larger than the 1048576 bytes that it may have (write a smaller one, or raise the option limit)",
        ],
        "old",
        ["disk.img"],
      ],
    );
  });

  test("needs xz for an xz image, and says which package has it", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "image-"));
    const { call } = recordedCall(["write", "image"], { files: { image: Buffer.from("fd377a585a00", "hex") } });
    const processes = { ...parts.processes, find: async () => undefined };
    await assert.rejects(runModule(image, { disk: join(folder.path, "disk.img") }, call, { ...parts, processes }), {
      code: "failed_precondition",
      hint: "install the Debian package xz-utils on the agent",
    });
  });
});
