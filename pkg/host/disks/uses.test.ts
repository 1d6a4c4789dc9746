import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMounts, parseSwaps, usesOf } from "./uses.ts";

// The forms of proc(5), with lines as a Debian system with btrfs, RAID and LVM has them.
const mounts = parseMounts(`22 27 0:21 / /proc rw,relatime shared:13 - proc proc rw
27 1 8:2 / / rw,relatime shared:1 master:2 - ext4 /dev/sda2 rw
41 27 0:38 /@home /home rw,relatime shared:29 - btrfs /dev/sdb1 rw,subvol=/@home
52 27 8:49 / /media/lab\\040stick rw - vfat /dev/sdd1 rw
`);

const swaps = parseSwaps(`Filename				Type		Size		Used		Priority
/dev/sda3                               partition	999420		0		-2
/swap\\040file                           file		999420		0		-3
`);

const numbers = new Map([
  ["/dev/sda2", "8:2"],
  ["/dev/sda3", "8:3"],
  ["/dev/sdb1", "8:17"],
  ["/dev/sdd1", "8:49"],
]);

const part = (node: string, number: string, holders: readonly string[] = []) => ({ node, number, holders });

for (const [what, parts, uses] of [
  [
    "the disk of the root file system and the swap space",
    [part("/dev/sda", "8:0"), part("/dev/sda2", "8:2"), part("/dev/sda3", "8:3")],
    ["/dev/sda2 is mounted on /", "/dev/sda3 is swap space"],
  ],
  [
    "a device of a btrfs, whose mount has no number of it",
    [part("/dev/sdb1", "8:17")],
    ["/dev/sdb1 is mounted on /home"],
  ],
  [
    "a member of a volume group and of a RAID",
    [part("/dev/sdc", "8:32", ["md0"]), part("/dev/sdc1", "8:33", ["dm-0", "dm-1"])],
    ["/dev/sdc is a part of md0", "/dev/sdc1 is a part of dm-0", "/dev/sdc1 is a part of dm-1"],
  ],
  ["a mount point with a blank", [part("/dev/sdd1", "8:49")], ["/dev/sdd1 is mounted on /media/lab stick"]],
  ["a disk that nobody uses", [part("/dev/sde", "8:64"), part("/dev/sde1", "8:65")], []],
] as const) {
  test(`${what} is known by the kernel's tables`, () => {
    assert.deepEqual(usesOf(parts, mounts, swaps, numbers), uses);
  });
}
