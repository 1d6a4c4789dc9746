import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtempDisposable, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { Disks } from "#pkg/host/disks.ts";
import { command, openLoopDevice, withoutLoopDevices } from "#test/support/loop-device.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { content, mib, parts, run, runArgs, whole } from "./test/run-image.ts";

suite("a device", { skip: withoutLoopDevices }, () => {
  test("of which a part is mounted is refused, for reading too, before the client is asked for anything", async () => {
    await using loop = await openLoopDevice({ bytes: 16 * mib });
    await using folder = await mkdtempDisposable(join(tmpdir(), "image-"));
    command("mkfs.ext4", "-q", loop.path);
    command("mount", loop.path, folder.path);
    using _mounted = { [Symbol.dispose]: () => void command("umount", folder.path) };
    const refusal = `failed_precondition: ${loop.path} is used by this computer: ${loop.path} is mounted on ${folder.path} (choose another device, or unmount it if it is the right one)`;
    const options = { device: loop.path };
    const write = await runArgs(options, ["write", "image"], { image: whole });
    assert.deepEqual(
      [
        write.transcript,
        write.said,
        (await runArgs(options, ["read", "copy"])).said,
        (await runArgs(options, ["status"])).said,
      ],
      [[], [refusal], [refusal], [`${loop.path}: ${16 * mib} bytes, ${loop.path} is mounted on ${folder.path}\n`]],
    );
  });

  test("that holds the root of this computer is refused", async (t) => {
    const root = (await readFile("/proc/self/mountinfo", "utf8")).match(
      /^\S+ \S+ \S+ \/ \/ .* - \S+ (\/dev\/\S+)/m,
    )?.[1];
    if (root === undefined) {
      t.skip("the root of this computer is on no block device");
      return;
    }
    const { said } = await runArgs({ device: root }, ["write", "image"], { image: whole });
    assert.match(said.join(""), /^failed_precondition: \S+ is used by this computer: .*\S+ is mounted on \//);
  });

  test("that is read-only can be read, and not written", async () => {
    await using loop = await openLoopDevice({ bytes: mib, readOnly: true });
    const options = { device: loop.path };
    const { said } = await runArgs(options, ["write", "image"], { image: whole });
    assert.deepEqual(
      [said, (await runArgs(options, ["status"])).said, (await runArgs(options, ["read", "copy", "512"])).said],
      [
        [`failed_precondition: ${loop.path} is read-only (look for a lock switch on the card)`],
        [`${loop.path}: ${mib} bytes, read-only, not in use\n`],
        [`512 bytes read from ${loop.path}\n`],
      ],
    );
  });

  test("without a medium is said to have none", async () => {
    // The last that is free stays so: who looks for one is given the first.
    const empty = (await readdir("/dev"))
      .filter((name) => /^loop\d$/.test(name) && !existsSync(`/sys/block/${name}/loop/backing_file`))
      .map((name) => `/dev/${name}`)
      .sort()
      .at(-1) as string;
    assert.deepEqual(
      [
        (await runArgs({ device: empty }, ["write", "image"])).said,
        (await runArgs({ device: empty }, ["status"])).said,
      ],
      [[`failed_precondition: there is no medium in ${empty} (put a card in)`], [`${empty}: no medium, not in use\n`]],
    );
  });

  test("that is still on its way to this computer is waited for, and for no longer than is said", async () => {
    await using loop = await openLoopDevice({ bytes: mib });
    let looks = 0;
    const late: Disks = {
      ...parts.disks,
      look: async (path) => (++looks < 3 ? undefined : await parts.disks.look(path)),
    };
    const { call, transcript } = recordedCall(["write", "image"], { files: { image: content(4096) } });
    const said = await run({ device: loop.path, wait: "20s" }, call, transcript, late);
    const never = await runArgs({ device: "/dev/usb-sd-mux/none", wait: "1ms" }, ["write", "image"]);
    assert.deepEqual(
      [said[1], looks, never.said],
      [
        `4096 of the image's 4096 bytes written to ${loop.path}\n`,
        3,
        [
          "not_found: there is no device /dev/usb-sd-mux/none (see that it is plugged in, and that the board has given it to this computer)",
        ],
      ],
    );
  });
});
