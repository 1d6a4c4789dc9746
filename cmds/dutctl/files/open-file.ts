import { constants, type Stats } from "node:fs";
import { type FileHandle, open, realpath, stat } from "node:fs/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { codeOf, reasonOf } from "./errno.ts";
import { type Grants, readablePath, refuseSecret } from "./grants.ts";
import { shownName } from "./shown-name.ts";

/** A regular file that the user granted, open for reading. */
export interface GrantedFile extends AsyncDisposable {
  /** As the user named it, absolute. */
  readonly path: string;
  readonly handle: FileHandle;
  readonly stats: Stats;
}

/**
 * Opens the file that a peer asks for by a name. What is opened is looked at, not what stood there before: nothing is
 * read of a file that was put in its place meanwhile, of a pipe or of a device. Throws permission_denied for what the user
 * did not grant, failed_precondition with the system's words for what cannot be opened.
 */
export async function openGranted(grants: Grants, name: string): Promise<GrantedFile> {
  const path = readablePath(grants, name);
  try {
    // What the user named may be a link. What it leads to must not be one by the time it is opened.
    const real = await realpath(path);
    refuseSecret(grants, real, name);
    refuseIrregular(await stat(real), name);
    await using handles = new AsyncDisposableStack();
    const handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    handles.defer(() => handle.close());
    const stats = await handle.stat();
    refuseIrregular(stats, name);
    const there = await stat(real);
    if ((await realpath(real)) !== real || there.ino !== stats.ino || there.dev !== stats.dev) {
      throw replaced(name);
    }
    const kept = handles.move();
    return { path, handle, stats, [Symbol.asyncDispose]: () => kept.disposeAsync() };
  } catch (error) {
    if (error instanceof DutError) {
      throw error;
    }
    throw codeOf(error) === "ELOOP"
      ? replaced(name)
      : new DutError(
          "failed_precondition",
          `reading requested file ${shownName(name)}: open ${plainName(name)}: ${reasonOf(error)}`,
          { cause: error },
        );
  }
}

/** As the user typed it, but in one line. */
function plainName(name: string): string {
  return shownName(name).slice(1, -1);
}

function refuseIrregular(stats: Stats, name: string): void {
  if (!stats.isFile()) {
    throw new DutError("permission_denied", `reading requested file ${shownName(name)}: not a regular file`, {
      hint: "only regular files are sent",
    });
  }
}

function replaced(name: string): DutError {
  return new DutError("permission_denied", `reading requested file ${shownName(name)}: it was replaced meanwhile`, {
    hint: "somebody else changes what this name leads to; look who may write there",
  });
}
