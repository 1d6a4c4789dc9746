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

/** With those of the disk that it lies on, when it is a loop device of one. */
async function usesOfDisk(whole: string): Promise<readonly string[]> {
  const loops = await loopsOnDisks();
  const parts = await partsOf(whole, loops);
  const mounts = parseMounts(await readFile("/proc/self/mountinfo", "utf8"));
  const swaps = parseSwaps((await textIn("/proc", "swaps")) ?? "");
  const numbers = new Map<string, string>();
  for (const path of [...mounts.map(({ source }) => source), ...swaps].filter((path) => path.startsWith("/"))) {
    const number = await numberAt(path);
    if (number !== undefined) {
      numbers.set(path, number);
    }
  }
  const below = loops.get(basename(whole));
  return [...usesOf(parts, mounts, swaps, numbers), ...(below === undefined ? [] : await usesBelow(below, whole))];
}

/** What else is done with the disk, or the partition, that a loop device lies on. */
async function usesBelow(number: string, loop: string): Promise<readonly string[]> {
  const own = await realpath(`/sys/dev/block/${number}`);
  const whole = (await textIn(own, "partition")) === undefined ? own : dirname(own);
  const itself = ` is a part of ${basename(loop)}`;
  return (await usesOfDisk(whole)).filter((use) => !use.endsWith(itself));
}

/** The loop devices that lie on a block device, and its number. The kernel does not call them its holders. */
async function loopsOnDisks(): Promise<ReadonlyMap<string, string>> {
  const loops = new Map<string, string>();
  for (const name of await readdir("/sys/block")) {
    const path = await textIn(`/sys/block/${name}`, "loop/backing_file");
    const number = path === undefined ? undefined : await numberAt(path);
    if (number !== undefined) {
      loops.set(name, number);
    }
  }
  return loops;
}

/** Of the block device at a path; undefined for anything else, and for what this user may not look at: no node of /dev is. */
async function numberAt(path: string): Promise<string | undefined> {
  const found = await stat(path).catch((error: unknown) => (errnoOf(error) === "EACCES" ? undefined : missing(error)));
  return found?.isBlockDevice() ? numberOf(found.rdev) : undefined;
}

/** The disk itself and its partitions. */
async function partsOf(whole: string, loops: ReadonlyMap<string, string>): Promise<readonly Part[]> {
  const folders = [whole];
  for (const name of await readdir(whole)) {
    if ((await textIn(join(whole, name), "partition")) !== undefined) {
      folders.push(join(whole, name));
    }
  }
  return await Promise.all(
    folders.map(async (folder) => {
      const number = (await textIn(folder, "dev")) ?? "";
      const lying = [...loops].flatMap(([loop, below]) => (below === number ? [loop] : []));
      return { node: nodeOf(folder), number, holders: [...(await readdir(join(folder, "holders"))), ...lying] };
    }),
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
