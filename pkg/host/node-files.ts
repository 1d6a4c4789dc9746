import { constants } from "node:fs";
import { appendFile, lstat, open, readdir, realpath, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { makeDirectory } from "#pkg/directory/make-directory.ts";
import { DutError } from "#pkg/errors/dut-error.ts";
import { doing, errnoOf } from "./errno.ts";
import { lockFile } from "./file-lock.ts";
import type { Files } from "./files.ts";
import { freeBytes } from "./free-bytes.ts";
import { NextFile } from "./next-file.ts";
import { openForReading } from "./open-for-reading.ts";
import { openPartFile } from "./part-file.ts";
import { openRoot } from "./rooted/open-root.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const textBytes = 64 * 1024;

/** The file system of this computer. */
export function nodeFiles(): Files {
  return {
    async makeDirectory(path) {
      return await doing(`make the directory ${path}`, async () => {
        await makeDirectory(path, 0o700);
        return await realpath(path);
      });
    },

    async size(path) {
      const found = await ifThere(`look at ${path}`, () => stat(path));
      if (found !== undefined && !found.isFile()) {
        throw new DutError("failed_precondition", `${path} is not a file`);
      }
      return found?.size;
    },

    async readText(path, mostBytes = textBytes) {
      return await ifThere(`read ${path}`, async () => {
        await using file = await open(path, "r");
        const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(mostBytes) });
        return buffer.toString("utf8", 0, bytesRead);
      });
    },

    async writeText(path, text) {
      await doing(`write ${path}`, () => writeFile(path, text));
    },

    async appendText(path, text) {
      await doing(`write ${path}`, async () => {
        await appendFile(path, text, { mode: 0o600, flush: true });
        await using directory = await open(dirname(path), "r");
        await directory.sync();
      });
    },

    async list(path) {
      return (await ifThere(`list ${path}`, () => readdir(path))) ?? [];
    },

    async link(path, target) {
      await doing(`link ${path}`, async () => {
        const there = await lstat(path).catch(missing);
        if (there !== undefined && !there.isSymbolicLink()) {
          throw new DutError("already_exists", `${path} is there and is no symbolic link`, {
            hint: "move it away or choose another path",
          });
        }
        const next = `${path}.new`;
        await rm(next, { force: true });
        await symlink(target, next);
        await rename(next, path);
      });
    },

    async remove(path) {
      await doing(`remove ${path}`, () => rm(path, { recursive: true, force: true }));
    },

    async replace(path) {
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
      const next = `${path}.new`;
      const file = await doing(`write ${next}`, () => open(next, flags, 0o600));
      return new NextFile({ name: path, target: path, path: next, file });
    },

    resume: openPartFile,

    lock: (path) => lockFile(path, "make"),
    read: openForReading,
    temporaryDirectory,
    freeBytes,
    openRoot,
  };
}

async function ifThere<T>(what: string, act: () => Promise<T>): Promise<T | undefined> {
  return await doing(what, () => act().catch(missing));
}

function missing(error: unknown): undefined {
  if (errnoOf(error) !== "ENOENT") {
    throw error;
  }
}
