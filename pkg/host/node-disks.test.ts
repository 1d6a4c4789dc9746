import assert from "node:assert/strict";
import { chmod, mkdtempDisposable, open, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { explain } from "#pkg/errors/dut-error.ts";
import { command, openLoopDevice, withoutLoopDevices as skip } from "#test/support/loop-device.ts";
import { mountsAreMissing, PrivateMount } from "#test/support/private-mount.ts";
import type { Disk } from "./disks.ts";
import { nodeDisks } from "./node-disks.ts";

const disks = nodeDisks();
const mib = 1024 * 1024;

const refusal = (error: unknown) => ({ code: (error as { code?: string }).code, message: explain(error) });

test("what is written to a block device is on its medium, and read from it", { skip }, async () => {
  await using loop = await openLoopDevice({ bytes: 4 * mib });
  await writeFile(loop.path, "x".repeat(2048));
  const image = Buffer.from(Array.from({ length: mib + 700 }, (_, index) => index % 251));
  let read: Buffer;
  {
    await using disk = await disks.open(loop.path, "write");
    await disk.write(0, image.subarray(0, 5000));
    await disk.write(5000, image.subarray(5000));
    await disk.write(3 * mib, Buffer.from("far"));
    await disk.flush();
    read = await readWhole(disk, 0, image.length);
  }
  const medium = await readFile(loop.medium);
  assert.deepEqual(
    [
      read.equals(image),
      medium.subarray(0, image.length).equals(image),
      medium.toString("latin1", 3 * mib, 3 * mib + 4),
    ],
    [true, true, "far\0"],
  );
});

test("the end of what is written leaves the rest of its block as it was", { skip }, async () => {
  await using loop = await openLoopDevice({ bytes: mib });
  await writeFile(loop.path, "old ".repeat(256));
  {
    await using disk = await disks.open(loop.path, "write");
    await disk.write(0, Buffer.from("new"));
    await disk.flush();
  }
  assert.equal((await readFile(loop.medium, "latin1")).slice(0, 1024), `new ${"old ".repeat(255)}`);
});

test("reading sees the medium and not the page cache", { skip }, async () => {
  await using loop = await openLoopDevice({ bytes: mib });
  await using disk = await disks.open(loop.path, "write");
  await using cached = await open(loop.path);
  const readCached = async () => (await cached.read(Buffer.alloc(7), 0, 7, 0)).buffer.toString();
  const before = await readCached();
  await writeFile(loop.medium, "changed behind the cache", { flag: "r+" });
  assert.deepEqual(
    [before, await readCached(), (await readWhole(disk, 0, 7)).toString()],
    ["\0\0\0\0\0\0\0", "\0\0\0\0\0\0\0", "changed"],
  );
});

test("behind its end a block device takes and gives nothing", { skip }, async () => {
  await using loop = await openLoopDevice({ bytes: mib });
  await using disk = await disks.open(loop.path, "write");
  await assert.rejects(disk.write(0, Buffer.alloc(2 * mib)), {
    code: "resource_exhausted",
    message: `write ${loop.path}: no space left on the device`,
  });
  await assert.rejects(readWhole(disk, mib, 1), { code: "data_loss", message: `${loop.path} ends at byte ${mib}` });
});

test("a block device is open once, and told of by every link to it", { skip }, async () => {
  await using loop = await openLoopDevice({ bytes: mib });
  await using folder = await mkdtempDisposable(join(tmpdir(), "disks-"));
  const link = join(folder.path, "usb-sd-mux-0");
  await symlink(loop.path, link);
  await using disk = await disks.open(link, "write");
  const facts = { path: loop.path, bytes: mib, readOnly: false, model: undefined, uses: [], blockBytes: 512 };
  assert.deepEqual([disk.device, await disks.look(link)], [facts, facts]);
  await assert.rejects(disks.open(loop.path, "write"), {
    code: "failed_precondition",
    message: /^open .*: device or file is busy$/,
  });
});

test("a mounted partition makes its disk and the other partitions used, also for the kernel", { skip }, async () => {
  await using loop = await openLoopDevice({ bytes: 16 * mib });
  await using folder = await mkdtempDisposable(join(tmpdir(), "disks-"));
  command("addpart", loop.path, "1", "2048", "8192");
  command("addpart", loop.path, "2", "10240", "8192");
  // They would outlive the medium.
  using _parts = { [Symbol.dispose]: () => ["1", "2"].map((part) => command("delpart", loop.path, part)) };
  const [first, second] = [`${loop.path}p1`, `${loop.path}p2`] as const;
  command("mkfs.ext4", "-q", first);
  const { uses: before } = (await disks.look(loop.path)) ?? {};
  command("mount", first, folder.path);
  using _mounted = { [Symbol.dispose]: () => void command("umount", folder.path) };
  const uses = [`${first} is mounted on ${folder.path}`];
  assert.deepEqual(
    {
      before,
      whole: (await disks.look(loop.path))?.uses,
      first: (await disks.look(first))?.uses,
      second: (await disks.look(second))?.uses,
      opened: await disks.open(loop.path, "write").catch(refusal),
    },
    {
      before: [],
      whole: uses,
      first: uses,
      second: uses,
      opened: { code: "failed_precondition", message: `open ${loop.path}: device or file is busy` },
    },
  );
});

test("a loop device of a disk in use is in use, and a disk is that has a loop device", { skip }, async () => {
  await using loop = await openLoopDevice({ bytes: 16 * mib });
  await using folder = await mkdtempDisposable(join(tmpdir(), "disks-"));
  const upper = command("losetup", "--find", "--show", loop.path).trim();
  using _upper = { [Symbol.dispose]: () => void command("losetup", "--detach", upper) };
  const uses = async () => [(await disks.look(loop.path))?.uses, (await disks.look(upper))?.uses];
  command("mkfs.ext4", "-q", loop.path);
  const before = await uses();
  command("mount", loop.path, folder.path);
  using _mounted = { [Symbol.dispose]: () => void command("umount", folder.path) };
  const [lies, mounted] = [`${loop.path} is a part of ${basename(upper)}`, `${loop.path} is mounted on ${folder.path}`];
  assert.deepEqual(
    [before, await uses()],
    [
      [[lies], []],
      [[mounted, lies], [mounted]],
    ],
  );
});

test("a mount whose source this user may not look at hides nothing of a disk", { skip }, async () => {
  await using loop = await openLoopDevice({ bytes: mib });
  await using folder = await mkdtempDisposable(join(tmpdir(), "disks-"));
  command("mount", "-t", "tmpfs", join(folder.path, "source"), folder.path);
  using _mounted = { [Symbol.dispose]: () => void command("umount", folder.path) };
  await chmod(folder.path, 0o700);
  process.seteuid?.("nobody");
  using _root = { [Symbol.dispose]: () => process.seteuid?.(0) };
  assert.deepEqual((await disks.look(loop.path))?.uses, []);
});

test("what is no block device is refused, and what is not there is said to be so", async () => {
  assert.deepEqual(
    [
      await disks.look("/dev/null").catch(refusal),
      await disks.open("/dev/null", "write").catch(refusal),
      await disks.replace("/dev/full").catch(refusal),
      await disks.look("/dev/no-such-device"),
      await disks.open("/dev/no-such-device", "write").catch(refusal),
    ],
    [
      { code: "failed_precondition", message: "/dev/null is no block device" },
      { code: "failed_precondition", message: "/dev/null is no block device" },
      { code: "failed_precondition", message: "/dev/full is not a file" },
      undefined,
      { code: "not_found", message: "open /dev/no-such-device: no such file or directory" },
    ],
  );
});

test("a disk that is a file has its size at its commit, and nothing before", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "disks-"));
  const path = join(folder.path, "disk.img");
  await writeFile(path, "old");
  {
    await using disk = await disks.replace(path);
    await disk.write(0, Buffer.from("given up"));
    await disk.flush();
  }
  const given = [await readFile(path, "latin1"), await readdir(folder.path)];
  await using disk = await disks.replace(path);
  await disk.write(0, Buffer.from("head"));
  await disk.write(8192, Buffer.from("tail"));
  await disk.flush();
  const read = (await readWhole(disk, 8192, 4)).toString();
  await disk.commit(10_000);
  const content = await readFile(path);
  assert.deepEqual(
    {
      given,
      read,
      content: content.equals(
        Buffer.concat([Buffer.from("head"), Buffer.alloc(8188), Buffer.from("tail"), Buffer.alloc(1804)]),
      ),
    },
    { given: ["old", ["disk.img"]], read: "tail", content: true },
  );
});

test("a file system that is full is said to be so, and nothing is left", {
  skip: mountsAreMissing ?? false,
}, async () => {
  await using mount = await PrivateMount.tmpfs(mib);
  const path = join(mount.seen, "disk.img");
  {
    await using disk = await disks.replace(path);
    await assert.rejects(disk.write(0, Buffer.alloc(3 * mib)), {
      code: "resource_exhausted",
      message: `write ${path}.new: no space left on the device`,
    });
  }
  assert.deepEqual(await readdir(mount.seen), []);
});

async function readWhole(disk: Disk, at: number, length: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of disk.read(at, length)) {
    pieces.push(Buffer.from(piece));
  }
  return Buffer.concat(pieces);
}
