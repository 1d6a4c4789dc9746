import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open } from "node:fs/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { errnoOf, fromErrno } from "../errno.ts";

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;

/**
 * A name in an open directory, as the kernel takes it: the link in /proc leads to the directory itself and not to its
 * path, so this is what openat(2) is to C. What stands behind it is not followed unless the flags of the call say so.
 */
export function within(directory: FileHandle, name: string): string {
  return `/proc/self/fd/${directory.fd}/${name}`;
}

/** The names that a path is made of. Throws invalid_argument for one that leads upwards. */
export function namesIn(path: string): readonly string[] {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  if (names.includes("..") || path.includes("\0")) {
    throw new DutError("invalid_argument", `the path ${JSON.stringify(path)} leads out of its directory`);
  }
  return names;
}

/** Opens a directory by names, one after another, from an open one, and closes all others. */
export async function descend(
  from: FileHandle,
  names: readonly string[],
  missing: "make" | "refuse",
): Promise<FileHandle> {
  let directory = await open(`/proc/self/fd/${from.fd}`, O_RDONLY | O_DIRECTORY);
  for (const [index, name] of names.entries()) {
    await using parent = directory;
    directory = await enter(parent, name, names.slice(0, index + 1).join("/"), missing);
  }
  return directory;
}

async function enter(parent: FileHandle, name: string, path: string, missing: "make" | "refuse"): Promise<FileHandle> {
  if (missing === "make") {
    await mkdir(within(parent, name), 0o755).catch((error: unknown) => {
      if (errnoOf(error) !== "EEXIST") {
        throw fromErrno(error, `make the directory ${path}`);
      }
    });
  }
  try {
    return await open(within(parent, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    throw await notFollowed(parent, name, path, error);
  }
}

/** What is to be said when the kernel did not open a name: ELOOP and ENOTDIR may both stand for a symbolic link. */
export async function notFollowed(parent: FileHandle, name: string, path: string, error: unknown): Promise<DutError> {
  const kind = errnoOf(error);
  if (kind === "ELOOP" || (kind === "ENOTDIR" && (await isLink(parent, name)))) {
    return isALink(path, error);
  }
  return fromErrno(error, `open ${path}`);
}

export function isALink(path: string, cause?: unknown): DutError {
  return new DutError("permission_denied", `${path} is a symbolic link, and none is followed`, {
    hint: "name the place that it leads to",
    cause,
  });
}

async function isLink(parent: FileHandle, name: string): Promise<boolean> {
  return await lstat(within(parent, name)).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
}
