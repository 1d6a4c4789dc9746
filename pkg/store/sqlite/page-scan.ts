import type { Entry } from "../store.ts";
import { sumOf } from "./entry-table.ts";
import { columnsOf, overflowAt, varint } from "./record.ts";

/** What SQLite gives a file that is made without asking for another size. */
export const pageBytes = 4096;

/** What a file has, whatever its structure says. */
export interface Scan {
  /** Entries whose sum is right; of a key that is there twice, the newer. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** Keys, as far as they can be read, whose entries are not what was written. */
  readonly wrong: readonly string[];
  /** Pages that are missing, or could not be understood, wholly or in part: each may have had entries. */
  readonly unreadable: number;
}

/** The kinds of pages that have entries: the leaves of the table and what is above them (file format, section 1.6). */
const entryPages: Readonly<Record<number, { readonly cells: number; readonly beforePayload: number }>> = {
  10: { cells: 8, beforePayload: 0 },
  2: { cells: 12, beforePayload: 4 },
};

/** The pages of the other tables. */
const otherPages = [5, 13];

const freelistAt = 32;
const pageCountAt = 28;

/**
 * Looks at every page of a file of SQLite for entries, without the structure that connects the pages: a page that is
 * damaged takes nothing with it but what is on it. Pages that are free are left out, as far as the file says which.
 */
export function scanPages(file: Buffer): Scan {
  const free = freePages(file);
  const overflow = new Set<number>();
  const entries = new Map<string, Entry>();
  const wrong: string[] = [];
  const suspects: number[] = [];
  const damaged = new Set<number>();
  const pages = Math.floor(file.length / pageBytes);
  for (let page = 1; page <= pages; page += 1) {
    const start = (page - 1) * pageBytes;
    const header = page === 1 ? start + 100 : start;
    const kind = entryPages[file.readUInt8(header)];
    if (free.has(page) || otherPages.includes(file.readUInt8(header))) {
      continue;
    }
    if (kind === undefined) {
      suspects.push(page);
      continue;
    }
    const count = Math.min(file.readUInt16BE(header + 3), (pageBytes - kind.cells) / 2);
    for (let cell = 0; cell < count; cell += 1) {
      const at = start + file.readUInt16BE(header + kind.cells + 2 * cell) + kind.beforePayload;
      const found = readEntry(file, at, overflow);
      if (found === undefined) {
        damaged.add(page);
      } else if (!sumOf(found).equals(found.sum)) {
        wrong.push(found.key);
      } else if (found.revision > (entries.get(found.key)?.revision ?? 0)) {
        entries.set(found.key, { key: found.key, value: found.value, revision: found.revision });
      }
    }
  }
  const unknown = suspects.filter((page) => !overflow.has(page) && !isEmpty(file, page));
  const missing = Math.max(0, pageCountOf(file) - pages);
  return { entries, wrong, unreadable: damaged.size + unknown.length + missing };
}

interface Found extends Entry {
  readonly sum: Uint8Array;
}

/** Undefined for what is no entry. The pages that it goes on at are added to `overflow`. */
function readEntry(file: Buffer, at: number, overflow: Set<number>): Found | undefined {
  const { value: size, next } = varint(file, at);
  const payload = overflowAt(file, next, size, pageBytes);
  const columns = payload && columnsOf(payload.bytes);
  const [key, value, revision, sum] = columns ?? [];
  if (
    payload === undefined ||
    typeof key !== "string" ||
    typeof value !== "string" ||
    typeof revision !== "number" ||
    !(sum instanceof Uint8Array)
  ) {
    return undefined;
  }
  for (const page of payload.pages) {
    overflow.add(page);
  }
  return { key, value, revision, sum };
}

function isEmpty(file: Buffer, page: number): boolean {
  return file.subarray((page - 1) * pageBytes, page * pageBytes).every((byte) => byte === 0);
}

/** 0 when the file is too short to say. */
function pageCountOf(file: Buffer): number {
  return file.length < 100 ? 0 : file.readUInt32BE(pageCountAt);
}

/** The trunks of the list of free pages and the leaves that they name (file format, section 1.5). */
function freePages(file: Buffer): ReadonlySet<number> {
  const free = new Set<number>();
  const has = (page: number) => page >= 1 && page * pageBytes <= file.length;
  let trunk = file.length < 100 ? 0 : file.readUInt32BE(freelistAt);
  while (has(trunk) && !free.has(trunk)) {
    free.add(trunk);
    const start = (trunk - 1) * pageBytes;
    const leaves = Math.min(file.readUInt32BE(start + 4), pageBytes / 4 - 2);
    for (let leaf = 0; leaf < leaves; leaf += 1) {
      free.add(file.readUInt32BE(start + 8 + 4 * leaf));
    }
    trunk = file.readUInt32BE(start);
  }
  return free;
}
