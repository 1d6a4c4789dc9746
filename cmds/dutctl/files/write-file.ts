import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { copyFile, link, lstat, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { reasonOf } from "./errno.ts";
import type { Destination } from "./grants.ts";

/** For new files, before the umask: what a bench hands out may be confidential. */
const privateMode = 0o600;

/**
 * Writes a whole file, or leaves everything as it was. A path that the user named is replaced, unless it is a symbolic
 * link, and keeps its mode; elsewhere nothing that exists is touched. `name` is the word for the file in errors.
 */
export async function writeReceivedFile(destination: Destination, name: string, content: Uint8Array): Promise<void> {
  try {
    if (destination.named) {
      await replace(destination.path, name, content);
    } else {
      await createNew(destination.path, name, content);
    }
  } catch (error) {
    if (error instanceof DutError) {
      throw error;
    }
    throw new DutError("failed_precondition", `writing received file ${quote(name)}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

async function replace(path: string, name: string, content: Uint8Array): Promise<void> {
  const existing = await present(lstat(path));
  if (existing !== undefined && !existing.isFile()) {
    const kind = existing.isSymbolicLink() ? "a symbolic link" : "not a regular file";
    throw new DutError("failed_precondition", `writing received file ${quote(name)}: ${kind}`, {
      hint: "name a file that may be replaced, or one that does not exist yet",
    });
  }
  const temporary = await writeTemporary(path, content, existing);
  try {
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary);
    throw error;
  }
}

async function createNew(path: string, name: string, content: Uint8Array): Promise<void> {
  const occupied = () =>
    new DutError(
      "already_exists",
      `writing received file ${quote(name)}: the file exists, and the command line does not name it`,
      {
        hint: "move it away, or run the command in another directory",
      },
    );
  if ((await present(lstat(path))) !== undefined) {
    throw occupied();
  }
  const temporary = await writeTemporary(path, content, undefined);
  try {
    await linkOrCopy(temporary, path);
  } catch (error) {
    throw codeOf(error) === "EEXIST" ? occupied() : error;
  } finally {
    await unlink(temporary);
  }
}

/** Gives a file its final name unless something has it; file systems without links get a copy. */
async function linkOrCopy(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(codeOf(error))) {
      throw error;
    }
    await copyFile(temporary, path, constants.COPYFILE_EXCL);
  }
}

async function writeTemporary(target: string, content: Uint8Array, existing: Stats | undefined): Promise<string> {
  const temporary = join(dirname(target), `.${basename(target).slice(0, 200)}.${randomBytes(6).toString("hex")}.part`);
  const file = await open(temporary, "wx", privateMode);
  try {
    if (existing !== undefined) {
      await file.chmod(existing.mode & 0o777);
    }
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    await unlink(temporary);
    throw error;
  } finally {
    await file.close();
  }
  return temporary;
}

async function present(status: Promise<Stats>): Promise<Stats | undefined> {
  try {
    return await status;
  } catch (error) {
    if (codeOf(error) === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
