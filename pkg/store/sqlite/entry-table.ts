import { createHash } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Entry } from "../store.ts";
import { damaged } from "./fault.ts";
import { numberOf } from "./schema.ts";

/**
 * Entries that a lease keeps are never in the file, so that the end of the process is the end of them. SQLite has them
 * in memory, where they are part of its transactions.
 */
const leased = `
  PRAGMA temp_store = MEMORY;
  CREATE TEMP TABLE leased (
    key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL, sum BLOB NOT NULL, lease INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TEMP VIEW present AS
    SELECT key, value, revision, sum FROM main.entry UNION ALL SELECT key, value, revision, sum FROM temp.leased;
`;

type Name = keyof typeof statements;

const statements = {
  get: "SELECT * FROM present WHERE key = ?",
  list: "SELECT * FROM present WHERE key >= ?1 AND substr(key, 1, length(?1)) = ?1 ORDER BY key",
  put: "INSERT OR REPLACE INTO main.entry (key, value, revision, sum) VALUES (?, ?, ?, ?)",
  putLeased: "INSERT OR REPLACE INTO temp.leased (key, value, revision, sum, lease) VALUES (?, ?, ?, ?, ?)",
  remove: "DELETE FROM main.entry WHERE key = ?",
  removeLeased: "DELETE FROM temp.leased WHERE key = ?",
  removeAll: "DELETE FROM temp.leased WHERE lease = ? RETURNING key",
  latest: "UPDATE main.latest SET revision = ?",
} as const;

/** The entries of an open file, and those that leases keep. Every read compares sums and throws data_loss for a wrong one. */
export class EntryTable {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #prepared = new Map<Name, StatementSync>();

  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
    db.exec(leased);
  }

  get(key: string): Entry | undefined {
    const row = this.#statement("get").get(key);
    return row === undefined ? undefined : this.#checked(row as unknown as Row);
  }

  /** In the order of the bytes of their keys. */
  list(prefix: string): readonly Entry[] {
    return this.#statement("list")
      .all(prefix)
      .map((row) => this.#checked(row as unknown as Row));
  }

  put(entry: Entry, lease: number | undefined): void {
    const { key, value, revision } = entry;
    const sum = sumOf(entry);
    if (lease === undefined) {
      this.#statement("removeLeased").run(key);
      this.#statement("put").run(key, value, revision, sum);
    } else {
      this.#statement("remove").run(key);
      this.#statement("putLeased").run(key, value, revision, sum, lease);
    }
  }

  /** Answers whether the key was there. */
  remove(key: string): boolean {
    const { changes: fromMemory } = this.#statement("removeLeased").run(key);
    const { changes: fromFile } = this.#statement("remove").run(key);
    return fromMemory !== fromFile;
  }

  /** Removes what a lease keeps, which writes nothing to the disk, and answers the keys. */
  removeLeased(lease: number): readonly string[] {
    return this.#statement("removeAll")
      .all(lease)
      .map(({ key }) => String(key));
  }

  /** The newest revision that was given, as the file has it. */
  get latest(): number {
    return numberOf(this.#db, "SELECT revision FROM main.latest");
  }

  set latest(revision: number) {
    this.#statement("latest").run(revision);
  }

  #statement(name: Name): StatementSync {
    return this.#prepared.getOrInsertComputed(name, () => this.#db.prepare(statements[name]));
  }

  #checked({ key, value, revision, sum }: Row): Entry {
    const entry = { key, value, revision };
    if (!sumOf(entry).equals(sum)) {
      throw damaged(this.#path, `the entry ${JSON.stringify(key)} is not what was written`);
    }
    return entry;
  }
}

interface Row extends Entry {
  readonly sum: Uint8Array;
}

/** What tells that an entry is what was written. */
export function sumOf({ key, value, revision }: Entry): Buffer {
  return createHash("sha256").update(`${revision}\0${key}\0${value}`).digest();
}
