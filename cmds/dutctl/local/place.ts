import { createHash } from "node:crypto";
import { lstat, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";

/** Where the agent of one configuration is found and writes its log. */
export interface Place {
  /** The socket that it serves. */
  readonly socket: string;
  /** The socket that counts its users. */
  readonly users: string;
  readonly log: string;
}

export interface PlaceOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  /** Default the system's folder for temporary files. */
  readonly temporary?: string;
}

/** What the name of a unix socket may have, in bytes: 108 on Linux and 104 elsewhere, with the zero at its end. */
const longestSocketPath = 103;
const othersMayEnter = 0o077;

/**
 * The place for a configuration, in a folder that nobody but the user can enter, made if it is not there: below
 * `$XDG_RUNTIME_DIR` where that is the user's, else below the folder for temporary files. `config` is its real path.
 * Throws permission_denied for a folder that somebody else has made or can enter.
 */
export async function openPlace(config: string, { env, uid, temporary = tmpdir() }: PlaceOptions): Promise<Place> {
  const name = createHash("sha256").update(config).digest("hex").slice(0, 16);
  const folders = [...(await runtimeFolder(env.XDG_RUNTIME_DIR, uid)), join(temporary, `dutctl-${uid}`)];
  const folder = folders.find((each) => Buffer.byteLength(join(each, `${name}.users`)) <= longestSocketPath);
  if (folder === undefined) {
    throw new DutError(
      "invalid_argument",
      `the path of the folder for temporary files is too long for a socket: ${temporary}`,
      {
        hint: "set TMPDIR to a shorter one",
      },
    );
  }
  await makePrivate(folder, uid);
  const path = join(folder, name);
  return { socket: `${path}.sock`, users: `${path}.users`, log: `${path}.log` };
}

/** A root shell often has the variable of the user who opened it. */
async function runtimeFolder(runtime: string | undefined, uid: number): Promise<readonly string[]> {
  if (runtime === undefined || !isAbsolute(runtime)) {
    return [];
  }
  try {
    const found = await lstat(runtime);
    return found.isDirectory() && found.uid === uid ? [join(runtime, "dutctl")] : [];
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return [];
    }
    throw new DutError("permission_denied", `cannot use $XDG_RUNTIME_DIR: ${messageOf(error)}`, { cause: error });
  }
}

async function makePrivate(folder: string, uid: number): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) {
      throw new DutError("permission_denied", `cannot make ${folder}: ${messageOf(error)}`, { cause: error });
    }
  }
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== uid || (found.mode & othersMayEnter) !== 0) {
    throw new DutError("permission_denied", `${folder} is not a folder of yours that nobody else can enter`, {
      hint: "remove it, or set XDG_RUNTIME_DIR to a folder of yours",
    });
  }
}
