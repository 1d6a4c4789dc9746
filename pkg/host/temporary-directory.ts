import { lstat, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { doing, errnoOf } from "./errno.ts";
import { lockFile } from "./file-lock.ts";
import type { TemporaryDirectory } from "./files.ts";

const prefix = "dutagent-";

/** In each directory, and locked as long as the process lives that has made it. */
const lockName = ".dutagent.lock";

const othersBits = 0o077;

/** A directory of mode 0700 below TMPDIR, or /tmp without one, that goes with the disposal. */
export async function temporaryDirectory(nameBegins: string): Promise<TemporaryDirectory> {
  const parent = tmpdir();
  const path = await doing(`make a directory in ${parent}`, () => mkdtemp(join(parent, `${prefix}${nameBegins}`)));
  try {
    const lock = await holdDirectory(path);
    return {
      path,
      async [Symbol.asyncDispose]() {
        using _ = lock;
        await rm(path, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(path, { recursive: true, force: true });
    throw error;
  }
}

/** The lock has its name once it is held: whoever finds one that is not knows that its holder has ended. */
async function holdDirectory(path: string): Promise<Disposable | undefined> {
  const draft = join(path, `${lockName}.new`);
  const lock = await lockFile(draft, "make");
  await doing(`lock ${path}`, () => rename(draft, join(path, lockName)));
  return lock;
}

/**
 * Removes the temporary directories of this user whose process has ended without doing so, as after `kill -9`. What cannot
 * be removed is told to the log, and stays.
 */
export async function removeAbandoned(log: Log): Promise<void> {
  const parent = tmpdir();
  const names = await readdir(parent).catch((error: unknown) => {
    log.warn("cannot look for what killed agents have left", { path: parent, err: messageOf(error) });
    return [];
  });
  for (const name of names.filter((each) => each.startsWith(prefix))) {
    const path = join(parent, name);
    try {
      if ((await isPrivate(path)) && (await removeUnlessHeld(path))) {
        log.info("removed what a killed agent has left", { path });
      }
    } catch (error) {
      log.warn("cannot remove what a killed agent has left", { path, err: messageOf(error) });
    }
  }
}

/** Whether it is a directory of this user, no link, that no other user can enter or has made to look so. */
async function isPrivate(path: string): Promise<boolean> {
  const found = await lstat(path).catch(missing);
  return found?.isDirectory() === true && found.uid === process.geteuid?.() && (found.mode & othersBits) === 0;
}

async function removeUnlessHeld(path: string): Promise<boolean> {
  using lock = await lockFile(join(path, lockName), "leave");
  if (lock === undefined) {
    return false;
  }
  await rm(path, { recursive: true, force: true });
  return true;
}

function missing(error: unknown): undefined {
  if (errnoOf(error) !== "ENOENT") {
    throw error;
  }
}
