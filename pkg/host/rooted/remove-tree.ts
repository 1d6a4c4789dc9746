import { constants } from "node:fs";
import { type FileHandle, readdir, rmdir, unlink } from "node:fs/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { within } from "./descend.ts";
import { openWhatever } from "./open-whatever.ts";

const ownersBits = 0o700;

/**
 * Removes a directory with everything in it, however deep it is: by directories that are open, so that no link is followed,
 * whatever is put there meanwhile. Throws failed_precondition at another file system, and leaves what is in that.
 */
export async function removeTree(parent: FileHandle, name: string): Promise<void> {
  {
    await using directory = await openWhatever(parent, name, constants.O_DIRECTORY, ownersBits);
    const { dev, uid, mode } = await directory.stat();
    if (dev !== (await parent.stat()).dev) {
      throw new DutError("failed_precondition", `${JSON.stringify(name)} is another file system`);
    }
    if (uid === process.geteuid?.() && (mode & ownersBits) !== ownersBits) {
      await directory.chmod(ownersBits);
    }
    for (const entry of await readdir(`/proc/self/fd/${directory.fd}`, { withFileTypes: true })) {
      await (entry.isDirectory() ? removeTree(directory, entry.name) : unlink(within(directory, entry.name)));
    }
  }
  await rmdir(within(parent, name));
}
