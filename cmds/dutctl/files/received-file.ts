import { createHash, randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { copyFile, type FileHandle, link, lstat, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import { codeOf, reasonOf } from "./errno.ts";
import type { Destination } from "./grants.ts";
import { shownName } from "./shown-name.ts";

/** For new files, before the umask: what a bench hands out may be confidential, and is not run unasked. */
const privateMode = 0o600;

/** What the whole content is said to be. */
export interface Expectation {
  /** In bytes. */
  readonly size: number;
  readonly sha256: Uint8Array;
}

/**
 * A file that is being received. It gets its name when it is whole; until then, and if it is disposed of before, everything
 * stays as it was. An existing file that may be replaced keeps its mode, a symbolic link is never written through.
 */
export class ReceivedFile implements AsyncDisposable {
  readonly #destination: Destination;
  readonly #name: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  readonly #hash = createHash("sha256");
  #size = 0;
  #finished = false;

  private constructor(destination: Destination, name: string, temporary: string, handle: FileHandle) {
    this.#destination = destination;
    this.#name = name;
    this.#temporary = temporary;
    this.#handle = handle;
  }

  /**
   * `name` is the word for the file in errors. Throws permission_denied for what must not be written over, and
   * failed_precondition with the system's words.
   */
  static async create(destination: Destination, name: string): Promise<ReceivedFile> {
    const { path } = destination;
    return inWords(name, async () => {
      const existing = await present(path);
      refuseOccupied(existing, destination, name);
      const temporary = join(dirname(path), `.${basename(path).slice(0, 50)}.${randomBytes(6).toString("hex")}.part`);
      const handle = await open(temporary, "wx", privateMode);
      const file = new ReceivedFile(destination, name, temporary, handle);
      try {
        if (existing !== undefined) {
          await handle.chmod(existing.mode & 0o777);
        }
        return file;
      } catch (error) {
        await file[Symbol.asyncDispose]();
        throw error;
      }
    });
  }

  /** How much has been written, in bytes. */
  get size(): number {
    return this.#size;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    await inWords(this.#name, async () => {
      for (let left = bytes; left.length > 0; ) {
        const { bytesWritten } = await this.#handle.write(left);
        left = left.subarray(bytesWritten);
      }
    });
    this.#size += bytes.length;
  }

  /** Gives the file its name once it is on the disk. Throws data_loss when it is not what was expected. */
  async finish(expected?: Expectation): Promise<void> {
    const digest = this.#hash.digest();
    if (expected !== undefined && (expected.size !== this.#size || !digest.equals(expected.sha256))) {
      throw new DutError("data_loss", `the file ${shownName(this.#name)} did not arrive as it was sent`, {
        hint: "nothing of it was kept; try again",
      });
    }
    await inWords(this.#name, async () => {
      await this.#handle.sync();
      await this.#handle.close();
      const { path, replace } = this.#destination;
      refuseOccupied(await present(path), this.#destination, this.#name);
      if (replace) {
        await rename(this.#temporary, path);
        this.#finished = true;
      } else {
        await this.#linkOrCopy(path);
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#finished) {
      this.#finished = true;
      await this.#handle.close();
      await unlink(this.#temporary);
    }
  }

  /** Gives the file its name unless something has it; file systems without links get a copy. */
  async #linkOrCopy(path: string): Promise<void> {
    try {
      await link(this.#temporary, path);
    } catch (error) {
      if (codeOf(error) === "EEXIST") {
        throw occupied(this.#name);
      }
      if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(codeOf(error))) {
        throw error;
      }
      await copyFile(this.#temporary, path, constants.COPYFILE_EXCL);
    }
  }
}

function refuseOccupied(existing: Stats | undefined, { replace }: Destination, name: string): void {
  if (existing === undefined) {
    return;
  }
  if (!replace) {
    throw occupied(name);
  }
  if (!existing.isFile()) {
    const kind = existing.isSymbolicLink() ? "a symbolic link" : "not a regular file";
    throw new DutError("permission_denied", `writing received file ${shownName(name)}: ${kind}`, {
      hint: "name a file that may be replaced, or one that does not exist yet",
    });
  }
}

function occupied(name: string): DutError {
  return new DutError(
    "permission_denied",
    `writing received file ${shownName(name)}: the file exists, and the command line does not name it`,
    { hint: "move it away, run the command in another directory, or replace it with -force" },
  );
}

/** Does something with the file system, whose errors are told with the name of the file. */
async function inWords<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DutError) {
      throw error;
    }
    throw new DutError("failed_precondition", `writing received file ${shownName(name)}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

async function present(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}
