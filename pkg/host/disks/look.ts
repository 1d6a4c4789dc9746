import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { BlockDevice } from "../disks.ts";
import { errnoOf } from "../errno.ts";
import { type Part, parseMounts, parseSwaps, usesOf } from "./uses.ts";

/** The unit of `size` in sysfs, whatever the blocks of the device. */
const sectorBytes = 512;

/** A block device, and what only its opening needs. */
export interface KnownDevice extends BlockDevice {
  /** The smallest piece that can be read or written past the page cache. */
  readonly blockBytes: number;
}

/** What the kernel says of the block device with a number, as fstat(2) has it. */
export async function lookAt(rdev: number): Promise<KnownDevice> {
  const own = await realpath(`/sys/dev/block/${numberOf(rdev)}`);
  const isPartition = (await textIn(own, "partition")) !== undefined;
  const whole = isPartition ? dirname(own) : own;
  const [size, readOnly, block, model] = await Promise.all([
    textIn(own, "size"),
    textIn(own, "ro"),
    textIn(whole, "queue/logical_block_size"),
    textIn(whole, "device/model"),
  ]);
  return {
    path: nodeOf(own),
    bytes: Number(size) * sectorBytes,
    readOnly: readOnly === "1",
    blockBytes: Number(block),
    model: model === "" ? undefined : model,
    uses: await usesOfDisk(whole),
  };
}

async function usesOfDisk(whole: string): Promise<readonly string[]> {
  const parts = await partsOf(whole);
  const mounts = parseMounts(await readFile("/proc/self/mountinfo", "utf8"));
  const swaps = parseSwaps((await textIn("/proc", "swaps")) ?? "");
  const numbers = new Map<string, string>();
  for (const path of [...mounts.map(({ source }) => source), ...swaps].filter((path) => path.startsWith("/"))) {
    const found = await stat(path).catch(missing);
    if (found?.isBlockDevice()) {
      numbers.set(path, numberOf(found.rdev));
    }
  }
  return usesOf(parts, mounts, swaps, numbers);
}

/** The disk itself and its partitions. */
async function partsOf(whole: string): Promise<readonly Part[]> {
  const folders = [whole];
  for (const name of await readdir(whole)) {
    if ((await textIn(join(whole, name), "partition")) !== undefined) {
      folders.push(join(whole, name));
    }
  }
  return await Promise.all(
    folders.map(async (folder) => ({
      node: nodeOf(folder),
      number: (await textIn(folder, "dev")) ?? "",
      holders: await readdir(join(folder, "holders")),
    })),
  );
}

/** sysfs writes the slash of a name such as `cciss/c0d0` as an exclamation mark. */
const nodeOf = (folder: string) => `/dev/${basename(folder).replaceAll("!", "/")}`;

/** As `makedev` of glibc packs them; the kernel has 12 bits for the major number and 20 for the minor. */
function numberOf(rdev: number): string {
  return `${(rdev >>> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >>> 12) & 0xfff00)}`;
}

async function textIn(folder: string, name: string): Promise<string | undefined> {
  return (await readFile(join(folder, name), "utf8").catch(missing))?.trim();
}

/** ENOTDIR: a plain file beside the folders of partitions. */
function missing(error: unknown): undefined {
  if (!["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) {
    throw error;
  }
}
