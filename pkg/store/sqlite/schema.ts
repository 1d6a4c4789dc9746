import type { DatabaseSync } from "node:sqlite";
import { DutError } from "#pkg/errors/dut-error.ts";
import { backUp, backupsOf } from "./backups.ts";

/** Marks our files among those of SQLite: "duts". */
export const applicationId = 0x64757473;

/**
 * What makes a file of one version one of the next, the first from nothing. Steps are only ever added: an older program
 * refuses a newer file.
 */
export const steps: readonly string[] = [
  `CREATE TABLE entry (
     key TEXT PRIMARY KEY,
     value TEXT NOT NULL,
     revision INTEGER NOT NULL,
     -- Of the columns above, since SQLite does not notice when bytes of a value change on the disk.
     sum BLOB NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE latest (revision INTEGER NOT NULL) STRICT;
   INSERT INTO latest VALUES (0);`,
];

/**
 * Brings a file to the newest version, all at once or not at all, after a copy of it as it was has been put beside it.
 * Throws failed_precondition for one from the future, which it leaves as it is.
 */
export function migrate(db: DatabaseSync, path: string, to: readonly string[] = steps): void {
  const version = numberOf(db, "PRAGMA user_version");
  if (version > to.length) {
    const [backup] = backupsOf(path).filter((each) => each.version <= to.length);
    const goBack = backup === undefined ? "" : `, or put the copy ${backup.name} that it made in the place of the file`;
    throw new DutError(
      "failed_precondition",
      `${path} was written by a newer program: it has version ${version}, and versions up to ${to.length} are known here`,
      { hint: `run that program, give this one a state directory of its own${goBack}` },
    );
  }
  if (version < to.length) {
    if (version > 0) {
      backUp(db, path, version);
    }
    db.exec(`BEGIN EXCLUSIVE; ${to.slice(version).join(";")}; PRAGMA user_version = ${to.length}; COMMIT`);
  }
}

/** The first column of the only row of a query. */
export function numberOf(db: DatabaseSync, query: string): number {
  return Number(Object.values(db.prepare(query).get() ?? {})[0]);
}
