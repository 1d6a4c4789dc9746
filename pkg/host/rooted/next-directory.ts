import { constants } from "node:fs";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { doing, errnoOf } from "../errno.ts";
import { within } from "./descend.ts";
import type { DirectoryReplacement } from "./rooted-files.ts";

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** What a directory that has come from elsewhere may permit: nothing that lends rights, and its owner everything. */
const directoryBits = 0o777;
const ownersBits = 0o700;

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
    await doing(`replace ${path}`, async () => {
      await using top = await open(within(parent, next), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      await settle(top, "");
      await top.chmod(0o755);
      await rename(within(parent, name), within(parent, old)).catch((error: unknown) => {
        if (errnoOf(error) !== "ENOENT") {
          throw error;
        }
      });
      await rename(within(parent, next), within(parent, name));
      this.#state = "committed";
      await parent.sync();
      await rm(within(parent, old), { recursive: true, force: true });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { parent, next } = this.#parts;
    if (this.#state === "filled") {
      await rm(within(parent, next), { recursive: true, force: true });
    }
    this.#state = "over";
    await parent[Symbol.asyncDispose]();
  }
}

/** Sees to it that there is nothing but files and directories, takes bits that lend rights, and puts all on the disk. */
async function settle(directory: FileHandle, path: string): Promise<void> {
  for (const entry of await readdir(`/proc/self/fd/${directory.fd}`, { withFileTypes: true })) {
    const name = `${path}${entry.name}`;
    if (!entry.isFile() && !entry.isDirectory()) {
      throw foreign(name);
    }
    const kind = entry.isDirectory() ? O_DIRECTORY : O_NONBLOCK;
    await using child = await open(within(directory, entry.name), O_RDONLY | O_NOFOLLOW | kind);
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
