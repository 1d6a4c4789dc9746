import { spawnSync } from "node:child_process";
import { mkdtempDisposable, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Why there are no loop devices here; false when there are. */
export const withoutLoopDevices: string | false =
  spawnSync("losetup", ["--find"]).status === 0 ? false : "needs root and loop devices";

/** A block device whose medium is a file. Disposing takes both away. */
export interface LoopDevice extends AsyncDisposable {
  /** Such as `/dev/loop0`. */
  readonly path: string;
  /** The file that is its medium. */
  readonly medium: string;
}

interface Wanted {
  readonly bytes: number;
  readonly readOnly?: boolean;
  /** Where the file is made; default a folder of its own. */
  readonly folder?: string;
}

/** A loop device with zeros on it. */
export async function openLoopDevice({ bytes, readOnly = false, folder }: Wanted): Promise<LoopDevice> {
  await using opened = new AsyncDisposableStack();
  const place = opened.use(await mkdtempDisposable(join(folder ?? tmpdir(), "loop-")));
  const medium = join(place.path, "medium");
  {
    await using file = await open(medium, "w");
    await file.truncate(bytes);
  }
  const path = command("losetup", "--find", "--show", ...(readOnly ? ["--read-only"] : []), medium).trim();
  opened.defer(() => void spawnSync("losetup", ["--detach", path]));
  const release = opened.move();
  return { path, medium, [Symbol.asyncDispose]: () => release.disposeAsync() };
}

/** Runs a tool to its end and returns what it printed. Throws when it fails. */
export function command(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) {
    throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr}`);
  }
  return stdout;
}
