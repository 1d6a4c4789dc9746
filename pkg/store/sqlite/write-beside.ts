import { closeSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";

/**
 * Makes a file of so many bytes, on the disk, and removes it again: throws when the disk has no room for it, although
 * SQLite may still have room for something smaller in the pages that it has.
 */
export function writeBeside(path: string, bytes: number): void {
  const file = openSync(path, "w", 0o600);
  try {
    const content = Buffer.alloc(bytes);
    for (let at = 0; at < bytes; ) {
      at += writeSync(file, content, at);
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
    rmSync(path, { force: true });
  }
}
