import { constants } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import type { DiskFile } from "../disks.ts";
import { doing, errnoOf } from "../errno.ts";
import { refuseOther } from "../plain-file.ts";
import { putInPlace } from "../put-in-place.ts";
import { DirectDisk } from "./direct-disk.ts";

/** The blocks of every file system that can do without the page cache are as large or divide it. */
const blockBytes = 4096;

const flags = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/** Opens `<target>.new`. Throws failed_precondition when the target is there and no file. A file system that cannot do without the page cache is used with it. */
export async function openNextDiskFile(target: string): Promise<DiskFile> {
  const path = `${target}.new`;
  await refuseOther(target);
  const handle = await doing(`write ${path}`, () =>
    open(path, flags | constants.O_DIRECT, 0o600).catch(withCache(path)),
  );
  return new NextDiskFile(target, path, handle);
}

function withCache(path: string): (error: unknown) => Promise<FileHandle> {
  return async (error) => {
    if (errnoOf(error) !== "EINVAL") {
      throw error;
    }
    return await open(path, flags, 0o600);
  };
}

class NextDiskFile extends DirectDisk implements DiskFile {
  readonly #target: string;
  #state: "written" | "over" = "written";

  constructor(target: string, path: string, handle: FileHandle) {
    super(path, handle, { bytes: undefined, blockBytes });
    this.#target = target;
  }

  async commit(bytes: number): Promise<void> {
    await this.flush();
    await this.doing("replace", async () => {
      await this.handle.truncate(bytes);
      await this.handle.sync();
      await this.handle.close();
      await putInPlace(this.path, this.#target);
      this.#state = "over";
    });
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === "written") {
      this.#state = "over";
      await this.handle.close();
      await rm(this.path, { force: true });
    }
  }
}
