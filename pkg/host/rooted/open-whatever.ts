import { constants } from "node:fs";
import { chmod, type FileHandle, open } from "node:fs/promises";
import { errnoOf } from "../errno.ts";
import { within } from "./descend.ts";

const { O_RDONLY, O_NOFOLLOW } = constants;

/** Of Linux; Node does not name it. A file that is only pointed at: nobody needs a right to it. */
const O_PATH = 0o10000000;

/** Opens a file or directory of this user for reading, also one whose permission bits forbid it: its owner gets `bits` then. */
export async function openWhatever(parent: FileHandle, name: string, flags: number, bits: number): Promise<FileHandle> {
  try {
    return await open(within(parent, name), O_RDONLY | O_NOFOLLOW | flags);
  } catch (error) {
    if (errnoOf(error) !== "EACCES") {
      throw error;
    }
  }
  await using place = await open(within(parent, name), O_PATH | O_NOFOLLOW | flags);
  const path = `/proc/self/fd/${place.fd}`;
  await chmod(path, bits);
  return await open(path, O_RDONLY | flags);
}
