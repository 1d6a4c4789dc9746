import { setTimeout } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import type { BlockDevice, Disk, Disks } from "#pkg/host/disks.ts";
import { type ImageOptions, type Place, placeOf } from "./options.ts";

/** How often a card that is on its way from a board to this computer is looked for. */
const lookAgainMs = 100;

/** What an image is written to. Disposing closes it. */
export interface Target extends AsyncDisposable {
  /** A disk that is a file is as it was until `finish`. */
  readonly kind: Place["kind"];
  readonly disk: Disk;
  /** Where the image is after `finish`. */
  readonly path: string;
  /** To be called when everything is written and compared. */
  finish(bytes: number): Promise<void>;
}

/**
 * Opens what the options name for this process alone. Throws not_found when the device does not come, failed_precondition
 * when it has no medium, is read-only or used by this computer in any way.
 */
export async function openTarget(options: ImageOptions, disks: Disks, signal: AbortSignal): Promise<Target> {
  const { kind, path } = placeOf(options);
  if (kind === "disk") {
    const disk = await disks.replace(path);
    const finish = (bytes: number) => disk.commit(bytes);
    return { kind, disk, path, finish, [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose]() };
  }
  const disk = await openDevice(path, "write", parseDuration(options.wait), disks, signal);
  const finish = async () => {};
  return { kind, disk, path: disk.path, finish, [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose]() };
}

/** As `openTarget`; for reading it may be read-only. */
export async function openDevice(
  path: string,
  mode: "read" | "write",
  waitMs: number,
  disks: Disks,
  signal: AbortSignal,
) {
  const found = await waitFor(path, waitMs, disks, signal);
  refuse(found, mode);
  const disk = await disks.open(found.path, mode);
  try {
    refuse(disk.device, mode);
    return disk;
  } catch (error) {
    await disk[Symbol.asyncDispose]();
    throw error;
  }
}

/** A card reader is there before the card is. */
async function waitFor(path: string, waitMs: number, disks: Disks, signal: AbortSignal): Promise<BlockDevice> {
  const end = performance.now() + waitMs;
  for (;;) {
    signal.throwIfAborted();
    const found = await disks.look(path);
    if (found !== undefined && found.bytes > 0) {
      return found;
    }
    if (performance.now() >= end) {
      throw absent(path, found);
    }
    await setTimeout(lookAgainMs, undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  }
}

function absent(path: string, found: BlockDevice | undefined): DutError {
  return found === undefined
    ? new DutError("not_found", `there is no device ${path}`, {
        hint: "see that it is plugged in, and that the board has given it to this computer",
      })
    : new DutError("failed_precondition", `there is no medium in ${found.path}`, { hint: "put a card in" });
}

function refuse({ path, readOnly, uses }: BlockDevice, mode: "read" | "write"): void {
  if (uses.length > 0) {
    throw new DutError("failed_precondition", `${path} is used by this computer: ${uses.join(", ")}`, {
      hint: "choose another device, or unmount it if it is the right one",
    });
  }
  if (readOnly && mode === "write") {
    throw new DutError("failed_precondition", `${path} is read-only`, { hint: "look for a lock switch on the card" });
  }
}
