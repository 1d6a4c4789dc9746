import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readFile, realpath, statfs } from "node:fs/promises";
import { makeDirectory } from "#pkg/directory/make-directory.ts";
import { DutError } from "#pkg/errors/dut-error.ts";
import { parseMounts } from "../disks/uses.ts";
import { doing, errnoOf } from "../errno.ts";
import type { OpenFile, Replacement } from "../files.ts";
import { NextFile } from "../next-file.ts";
import { openFile } from "../open-for-reading.ts";
import { descend, isALink, namesIn, notFollowed, within } from "./descend.ts";
import { NextDirectory } from "./next-directory.ts";
import type { DirectoryReplacement, OpenDirectory, RootedFiles } from "./rooted-files.ts";

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** PROC_SUPER_MAGIC of statfs(2): a process's environment and memory are files there. */
const procfs = 0x9fa0;

/** See `Files.openRoot`. Linux only: it walks by /proc/self/fd. */
export async function openRoot(path: string, missing: "make" | "refuse"): Promise<RootedFiles> {
  if (missing === "make") {
    await doing(`make the directory ${path}`, () => makeDirectory(path, 0o755));
  }
  return new Root(await doing(`open ${path}`, () => open(path, O_RDONLY | O_DIRECTORY)));
}

class Root implements RootedFiles {
  readonly #root: FileHandle;

  constructor(root: FileHandle) {
    this.#root = root;
  }

  async read(path: string): Promise<OpenFile> {
    const { parent, name } = await this.#locate(path, "refuse");
    await using _parent = parent;
    return await openFile(path, async () => {
      const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
      await using opened = new AsyncDisposableStack();
      const file = opened.use(
        await open(within(parent, name), flags).catch(async (error: unknown) => {
          throw await notFollowed(parent, name, path, error);
        }),
      );
      if ((await statfs(`/proc/self/fd/${file.fd}`)).type === procfs) {
        throw new DutError("permission_denied", `${path} is made up by the kernel`);
      }
      opened.move();
      return file;
    });
  }

  async replace(path: string, mode: number): Promise<Replacement> {
    await using acquired = new AsyncDisposableStack();
    const { parent, name } = await this.#locate(path, "make");
    acquired.use(parent);
    const old = await this.#there(parent, name, path);
    if (old !== undefined && !old.isFile()) {
      throw new DutError("failed_precondition", `${path} is there and is not a file`);
    }
    const next = within(parent, hiddenName("new"));
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    const file = await doing(`write ${path}`, () => open(next, flags, 0o600));
    const replacement = new NextFile({ name: path, target: within(parent, name), path: next, file, mode });
    const release = acquired.move();
    return {
      path: next,
      write: (bytes) => replacement.write(bytes),
      commit: () => replacement.commit(),
      async [Symbol.asyncDispose]() {
        await replacement[Symbol.asyncDispose]();
        await release.disposeAsync();
      },
    };
  }

  async directory(path: string): Promise<OpenDirectory> {
    const directory = await descend(this.#root, namesIn(path), "refuse");
    return {
      path: `/proc/${process.pid}/fd/${directory.fd}`,
      [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
    };
  }

  async replaceDirectory(path: string): Promise<DirectoryReplacement> {
    await using acquired = new AsyncDisposableStack();
    const { parent, name } = await this.#locate(path, "make");
    acquired.use(parent);
    const old = await this.#there(parent, name, path);
    if (old !== undefined && !old.isDirectory()) {
      throw new DutError("failed_precondition", `${path} is there and is not a directory`);
    }
    if (old !== undefined) {
      await refuseMounts(parent, name, path);
    }
    const next = hiddenName("new");
    await doing(`make the directory ${path}`, () => mkdir(within(parent, next), 0o700));
    acquired.move();
    return new NextDirectory({ path, parent, name, next, old: hiddenName("old") });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#root[Symbol.asyncDispose]();
  }

  /** The directory where the last name of a path stands, open. */
  async #locate(path: string, missing: "make" | "refuse"): Promise<{ parent: FileHandle; name: string }> {
    const names = namesIn(path);
    const name = names.at(-1);
    if (name === undefined) {
      throw new DutError("invalid_argument", `the path ${JSON.stringify(path)} names nothing in its directory`);
    }
    return { parent: await descend(this.#root, names.slice(0, -1), missing), name };
  }

  /** What stands where a replacement is to be. Throws for a symbolic link, which a replacement would take the place of. */
  async #there(parent: FileHandle, name: string, path: string) {
    const found = await doing(`look at ${path}`, () =>
      lstat(within(parent, name)).catch((error: unknown) => {
        if (errnoOf(error) !== "ENOENT") {
          throw error;
        }
      }),
    );
    if (found?.isSymbolicLink()) {
      throw isALink(path);
    }
    return found;
  }
}

/** What is mounted in a directory, or on it, is not removed with what the directory was. */
async function refuseMounts(parent: FileHandle, name: string, path: string): Promise<void> {
  const place = await realpath(within(parent, name));
  const mounts = parseMounts(await readFile("/proc/self/mountinfo", "utf8"));
  const inside = mounts.find(({ target }) => target === place || target.startsWith(`${place}/`));
  if (inside !== undefined) {
    throw new DutError(
      "failed_precondition",
      `${path} cannot be replaced: there is a file system mounted on ${inside.target}`,
      {
        hint: "unmount it, or name a directory in it",
      },
    );
  }
}

/** Short, so that it is not too long wherever the name itself is not. */
function hiddenName(ending: string): string {
  return `.${randomUUID().slice(0, 13)}.${ending}`;
}
