import { constants } from "node:fs";
import { type FileHandle, open, readdir, rename } from "node:fs/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { doing, errnoOf, fromErrno } from "../errno.ts";
import { within } from "./descend.ts";
import { openWhatever } from "./open-whatever.ts";
import { removeTree } from "./remove-tree.ts";
import type { DirectoryReplacement } from "./rooted-files.ts";

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** What a directory that has come from elsewhere may permit: nothing that lends rights, and its owner everything. */
const directoryBits = 0o777;
const ownersBits = 0o700;

/** What the owner of a file gets that nobody may read: it could not be put on the disk. */
const readersBits = 0o400;

interface Parts {
  /** What the user calls the directory. */
  readonly path: string;
  /** Where it is, and its name, the new one's and the one that the old one has for a moment. */
  readonly parent: FileHandle;
  readonly name: string;
  readonly next: string;
  readonly old: string;
}

/** The next content of a directory, in one beside it. */
export class NextDirectory implements DirectoryReplacement {
  readonly path: string;
  readonly #parts: Parts;
  #state: "filled" | "committed" | "over" = "filled";

  constructor(parts: Parts) {
    this.#parts = parts;
    this.path = `/proc/${process.pid}/fd/${parts.parent.fd}/${parts.next}`;
  }

  async commit(): Promise<void> {
    const { path, parent, name, next, old } = this.#parts;
    const replaced = await doing(`replace ${path}`, async () => {
      await using top = await open(within(parent, next), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      await settle(top, "");
      await top.chmod(0o755);
      const there = await moved(parent, name, old);
      try {
        await rename(within(parent, next), within(parent, name));
      } catch (error) {
        if (there) {
          await rename(within(parent, old), within(parent, name));
        }
        throw error;
      }
      this.#state = "committed";
      await parent.sync();
      return there;
    });
    if (replaced) {
      await removeTree(parent, old).catch((error: unknown) => {
        const { code, message } = fromErrno(error, "remove it");
        throw new DutError(code, `${path} is replaced, but what it was stays beside it as ${old}: ${message}`, {
          hint: "remove that by hand",
          cause: error,
        });
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { parent, next } = this.#parts;
    if (this.#state === "filled") {
      this.#state = "over";
      await doing(`remove ${next}`, () => removeTree(parent, next));
    }
    this.#state = "over";
    await parent[Symbol.asyncDispose]();
  }
}

/** Gives a directory another name in its parent. False when there is none. */
async function moved(parent: FileHandle, name: string, to: string): Promise<boolean> {
  try {
    await rename(within(parent, name), within(parent, to));
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      return false;
    }
    throw error;
  }
}

/** Sees to it that there is nothing but files and directories, takes bits that lend rights, and puts all on the disk. */
async function settle(directory: FileHandle, path: string): Promise<void> {
  for (const entry of await readdir(`/proc/self/fd/${directory.fd}`, { withFileTypes: true })) {
    const name = `${path}${entry.name}`;
    if (!entry.isFile() && !entry.isDirectory()) {
      throw foreign(name);
    }
    const [kind, bits] = entry.isDirectory() ? [O_DIRECTORY, ownersBits] : [O_NONBLOCK, readersBits];
    await using child = await openWhatever(directory, entry.name, kind, bits);
    const found = await child.stat();
    if (found.isFile() && found.nlink > 1) {
      throw foreign(name);
    }
    if (found.isDirectory()) {
      await child.chmod((found.mode & directoryBits) | ownersBits);
      await settle(child, `${name}/`);
    } else {
      await child.chmod(found.mode & directoryBits);
    }
    await child.sync();
  }
  await directory.sync();
}

function foreign(name: string): DutError {
  return new DutError("invalid_argument", `${JSON.stringify(name)} is a link, a device or the like`, {
    hint: "only files and directories are taken",
  });
}
