import { copyFileSync, existsSync, linkSync, mkdtempDisposableSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Entry } from "../store.ts";
import { timeStamp } from "./backups.ts";
import { syncDirectory } from "./directory.ts";
import { EntryTable } from "./entry-table.ts";
import { isSqliteError } from "./fault.ts";
import { createEmpty, fileName, openSqliteStore } from "./open-sqlite-store.ts";
import { scanPages } from "./page-scan.ts";

/** No revision is given twice although the newest may be lost: they go on this far behind the newest that was found. */
const revisionGap = 1_000_000;

export interface Recovery {
  /** How many entries the new file has. */
  readonly kept: number;
  /** Keys, as far as they can be read, of entries that are lost because they are not what was written. */
  readonly lost: readonly string[];
  /** How many pages of 4 KiB could not be read, of which each may have had entries that nobody knows of. */
  readonly unreadable: number;
  /** Where the damaged file is now; its log, if there was one, is beside it. */
  readonly damaged: string;
}

/**
 * Puts a new file in the place of a damaged one, with every entry whose sum is right, and keeps the damaged one. A
 * change that was acknowledged is lost only with its own bytes; a key that was deleted stays so unless an old file's
 * list of free pages is damaged too.
 *
 * Throws failed_precondition for a file that is not damaged, already_exists naming the process that has it, and what
 * opening it says of files that are not ours to mend.
 */
export async function recoverStore(directory: string): Promise<Recovery> {
  const path = join(directory, fileName);
  await refuseWhole(directory, path);
  const { entries, wrong, unreadable } = scanPages(newestBytes(path));
  const draft = `${path}.recovered`;
  rmSync(draft, { force: true });
  createEmpty(draft, path);
  fill(draft, Array.from(entries.values()));
  const damaged = `${path}.damaged-${timeStamp()}`;
  linkSync(path, damaged);
  if (existsSync(`${path}-wal`)) {
    renameSync(`${path}-wal`, `${damaged}-wal`);
  }
  renameSync(draft, path);
  syncDirectory(directory);
  return { kept: entries.size, lost: wrong.filter((key) => !entries.has(key)), unreadable, damaged };
}

/** Returns when the file is damaged, and throws otherwise. */
async function refuseWhole(directory: string, path: string): Promise<void> {
  if (!existsSync(path)) {
    throw new DutError("not_found", `there is no ${path}`);
  }
  try {
    await openSqliteStore(directory)[Symbol.asyncDispose]();
  } catch (error) {
    if (error instanceof DutError && error.code === "data_loss") {
      return;
    }
    throw error;
  }
  throw new DutError("failed_precondition", `${path} is not damaged`, { hint: "nothing was done" });
}

/** The file with what its log has for it, as far as SQLite can make anything of the two. */
function newestBytes(path: string): Buffer {
  if (!existsSync(`${path}-wal`)) {
    return readFileSync(path);
  }
  using scratch = mkdtempDisposableSync(`${path}.recovering-`);
  const copy = join(scratch.path, fileName);
  for (const suffix of ["", "-wal"]) {
    copyFileSync(path + suffix, copy + suffix);
  }
  try {
    using db = new DatabaseSync(copy);
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (error) {
    if (!isSqliteError(error)) {
      throw error;
    }
  }
  return readFileSync(copy);
}

function fill(path: string, entries: readonly Entry[]): void {
  using db = new DatabaseSync(path);
  const table = new EntryTable(db, path);
  db.exec("BEGIN");
  for (const entry of entries) {
    table.put(entry, undefined);
  }
  table.latest = Math.max(0, ...entries.map(({ revision }) => revision)) + revisionGap;
  db.exec("COMMIT");
}
