import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Store } from "../store.ts";
import { createWhole, inUse, leavePid, makeDirectory, ownFile, replaceByCopy } from "./directory.ts";
import { EntryTable } from "./entry-table.ts";
import { damaged, isBusy, openFault } from "./fault.ts";
import { applicationId, migrate, numberOf } from "./schema.ts";
import { SqliteStore } from "./sqlite-store.ts";

/** The name of the store's file in its directory; SQLite puts its own beside it. */
export const fileName = "state.db";

/**
 * The store in a directory, which is made if it is not there. It belongs to this process alone until it is disposed of.
 * Throws already_exists naming the process that has it, data_loss for a damaged file, failed_precondition for one of a
 * newer program, permission_denied or resource_exhausted when it cannot be read or made.
 */
export function openSqliteStore(directory: string): Store {
  makeDirectory(directory);
  const path = join(directory, fileName);
  if (!ownFile(path)) {
    createWhole(path, (draft) => createEmpty(draft, path));
  } else if (statSync(path).size === 0) {
    // SQLite takes it for a new one.
    throw damaged(path, "it is empty");
  }
  using opened = new DisposableStack();
  try {
    const db = opened.adopt(new DatabaseSync(path, { timeout: 0 }), (open) => open.close());
    db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT");
    checkFile(db, path);
    db.exec(durable);
    migrate(db, path);
    const table = new EntryTable(db, path);
    checkEntries(table, path);
    opened.use(leavePid(directory));
    return new SqliteStore(db, path, table, opened.move());
  } catch (error) {
    const fault = isBusy(error) ? inUse(directory, error) : openFault(error, path);
    if (fault instanceof DutError && fault.code === "data_loss" && existsSync(`${path}-wal`)) {
      replaceByCopy(path);
    }
    throw fault;
  }
}

/**
 * Every change is synced to the log, and from there the store writes it to the file at once: the log never holds more
 * than the last changes, so damage to it takes nothing away. What is deleted is overwritten.
 */
const durable = `
  PRAGMA journal_mode = WAL;
  PRAGMA wal_autocheckpoint = 0;
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA checkpoint_fullfsync = ON;
  PRAGMA secure_delete = ON;
`;

/** Makes the file that is to be at a path, under another name: it has no entries. */
export function createEmpty(draft: string, path: string): void {
  try {
    using db = new DatabaseSync(draft);
    db.exec(`PRAGMA application_id = ${applicationId}`);
    migrate(db, draft);
  } catch (error) {
    throw openFault(error, path);
  }
}

function checkFile(db: DatabaseSync, path: string): void {
  const result = Object.values(db.prepare("PRAGMA integrity_check(1)").get() ?? {})[0];
  if (result !== "ok") {
    throw damaged(path, String(result).replace("*** in database main ***\n", ""));
  }
  if (numberOf(db, "PRAGMA application_id") !== applicationId || numberOf(db, "PRAGMA user_version") === 0) {
    throw damaged(path, "it is not a file of these programs");
  }
}

/** Reads everything once, which compares every sum. */
function checkEntries(table: EntryTable, path: string): void {
  const newest = Math.max(0, ...table.list("").map(({ revision }) => revision));
  if (table.latest < newest) {
    throw damaged(path, "its newest revision is unknown");
  }
}
