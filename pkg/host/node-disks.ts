import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { DirectDisk } from "./disks/direct-disk.ts";
import { type KnownDevice, lookAt } from "./disks/look.ts";
import { openNextDiskFile } from "./disks/next-disk-file.ts";
import type { BlockDevice, Disk, Disks } from "./disks.ts";
import { doing, errnoOf } from "./errno.ts";

/** Without O_CREAT, O_EXCL claims a block device as mounting does (open(2)). */
const flags = constants.O_EXCL | constants.O_DIRECT;

const access = { read: constants.O_RDONLY, write: constants.O_RDWR } as const;

/** The disks of this computer, by sysfs and the kernel's tables of mounts and swap space. */
export function nodeDisks(): Disks {
  return {
    async look(path) {
      return await doing(`look at ${path}`, async () => {
        const found = await stat(path).catch(missing);
        if (found === undefined) {
          return undefined;
        }
        refuseOther(path, found);
        return await lookAt(found.rdev);
      });
    },

    async open(path, mode) {
      const handle = await doing(`open ${path}`, async () => {
        refuseOther(path, await stat(path));
        return await open(path, flags | access[mode]);
      });
      try {
        return await doing(`look at ${path}`, async () => {
          const found = await handle.stat();
          refuseOther(path, found);
          return new OpenDevice(handle, await lookAt(found.rdev));
        });
      } catch (error) {
        await handle.close();
        throw error;
      }
    },

    replace: openNextDiskFile,
  };
}

class OpenDevice extends DirectDisk implements Disk {
  readonly device: BlockDevice;

  constructor(handle: FileHandle, device: KnownDevice) {
    super(device.path, handle, device);
    this.device = device;
  }
}

function refuseOther(path: string, found: { isBlockDevice(): boolean }): void {
  if (!found.isBlockDevice()) {
    throw new DutError("failed_precondition", `${path} is no block device`);
  }
}

function missing(error: unknown): undefined {
  if (errnoOf(error) !== "ENOENT") {
    throw error;
  }
}
