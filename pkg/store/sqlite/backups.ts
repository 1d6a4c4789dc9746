import { readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { createWhole } from "./directory.ts";

/** How many copies are kept, each as large as the store. */
const keptBackups = 3;

/**
 * Copies a file as an older version left it to `state.db.v1-2026-01-31T12-00-00.000Z` beside it, and removes all but the
 * newest copies. What SQLite says when there is no room for it is thrown.
 */
export function backUp(db: DatabaseSync, path: string, version: number): void {
  createWhole(`${path}.v${version}-${timeStamp()}`, (draft) => {
    db.prepare("VACUUM INTO ?").run(draft);
  });
  for (const { name } of backupsOf(path).slice(keptBackups)) {
    rmSync(join(dirname(path), name));
  }
}

/** The copies beside a file, the newest first, with the version that each has. */
export function backupsOf(path: string): readonly { readonly name: string; readonly version: number }[] {
  const prefix = `${basename(path)}.v`;
  return readdirSync(dirname(path))
    .flatMap((name) => {
      const [, version, time] = /^(\d+)-(\d.*Z)$/.exec(name.startsWith(prefix) ? name.slice(prefix.length) : "") ?? [];
      return version === undefined || time === undefined ? [] : [{ name, version: Number(version), time }];
    })
    .sort((a, b) => (a.time < b.time ? 1 : -1));
}

/** The time now as a part of a file's name. */
export function timeStamp(): string {
  return new Date().toISOString().replaceAll(":", "-");
}
