import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { refuseChanged } from "../refuse-changed.ts";
import type { Entry, Store } from "../store.ts";
import { createWhole, inUse, leavePid, makeDirectory, ownFile } from "./directory.ts";
import { changeFault, damaged, isBusy, openFault } from "./fault.ts";
import { applicationId, migrate, numberOf } from "./schema.ts";

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
  let db: DatabaseSync;
  try {
    db = opened.adopt(new DatabaseSync(path, { timeout: 0 }), (open) => open.close());
    db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT");
    checkFile(db, path);
    db.exec(durable);
    migrate(db, path);
  } catch (error) {
    throw isBusy(error) ? inUse(directory, error) : openFault(error, path);
  }
  opened.use(leavePid(directory));
  const store = new SqliteStore(db, path, opened.move());
  checkEntries(store, db, path);
  return store;
}

/**
 * Every change is synced to the log, and from there written to the file at once: the log never holds more than the last
 * change, so damage to it takes nothing away. Costs half a millisecond.
 */
const durable = `
  PRAGMA journal_mode = WAL;
  PRAGMA wal_autocheckpoint = 1;
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA checkpoint_fullfsync = ON;
`;

/** Makes the file that is to be at a path, under another name. */
function createEmpty(draft: string, path: string): void {
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
function checkEntries(store: SqliteStore, db: DatabaseSync, path: string): void {
  try {
    const newest = Math.max(0, ...store.read("").map(({ revision }) => revision));
    if (numberOf(db, "SELECT revision FROM latest") < newest) {
      throw damaged(path, "its newest revision is unknown");
    }
  } catch (error) {
    store.close();
    throw openFault(error, path);
  }
}

class SqliteStore implements Store {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #open: DisposableStack;

  constructor(db: DatabaseSync, path: string, open: DisposableStack) {
    this.#db = db;
    this.#path = path;
    this.#open = open;
  }

  async get(key: string): Promise<Entry | undefined> {
    return this.#entry(key);
  }

  async list(prefix: string): Promise<readonly Entry[]> {
    return this.read(prefix);
  }

  async put(key: string, value: string, expected?: number): Promise<number> {
    return this.#change(key, expected, (revision) => {
      this.#db
        .prepare("INSERT OR REPLACE INTO entry (key, value, revision, sum) VALUES (?, ?, ?, ?)")
        .run(key, value, revision, sumOf({ key, value, revision }));
      return revision;
    });
  }

  async delete(key: string, expected?: number): Promise<boolean> {
    return this.#change(
      key,
      expected,
      () => this.#db.prepare("DELETE FROM entry WHERE key = ?").run(key).changes === 1,
    );
  }

  read(prefix: string): readonly Entry[] {
    return this.#db
      .prepare("SELECT * FROM entry WHERE key >= ?1 AND substr(key, 1, length(?1)) = ?1 ORDER BY key")
      .all(prefix)
      .map((row) => this.#checked(row as unknown as Row));
  }

  close(): void {
    this.#open.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #entry(key: string): Entry | undefined {
    const row = this.#db.prepare("SELECT * FROM entry WHERE key = ?").get(key);
    return row === undefined ? undefined : this.#checked(row as unknown as Row);
  }

  #checked({ key, value, revision, sum }: Row): Entry {
    const entry = { key, value, revision };
    if (!sumOf(entry).equals(sum)) {
      throw damaged(this.#path, `the entry ${JSON.stringify(key)} is not what was written`);
    }
    return entry;
  }

  #change<T>(key: string, expected: number | undefined, apply: (revision: number) => T): T {
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      try {
        refuseChanged(key, this.#entry(key)?.revision ?? 0, expected);
        const revision = numberOf(this.#db, "UPDATE latest SET revision = revision + 1 RETURNING revision");
        const result = apply(revision);
        this.#db.exec("COMMIT");
        return result;
      } finally {
        // SQLite has ended the transaction by itself after some errors, such as that of a full disk.
        if (this.#db.isTransaction) {
          this.#db.exec("ROLLBACK");
        }
      }
    } catch (error) {
      throw changeFault(error, this.#path);
    }
  }
}

interface Row extends Entry {
  readonly sum: Uint8Array;
}

function sumOf({ key, value, revision }: Entry): Buffer {
  return createHash("sha256").update(`${revision}\0${key}\0${value}`).digest();
}
