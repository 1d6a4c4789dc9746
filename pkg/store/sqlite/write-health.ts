import { closeSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { HealthReport } from "../health-report.ts";

/** How often a disk that takes no writes is tried. */
const probeMs = 1_000;

/** The least that a disk must have room for to be well. */
const leastRoom = 64 * 1024;

/**
 * Whether the disk takes writes. After a change that it did not take it is tried every second, by a file of twice the
 * size of that change beside the store, since SQLite may still have room for smaller ones in what it has.
 */
export class WriteHealth implements Disposable {
  readonly #report: HealthReport;
  readonly #path: string;
  readonly #write: () => void;
  #room = leastRoom;
  #timer: NodeJS.Timeout | undefined;

  /** `write` makes a change of the file that has no effect, and throws when it cannot. */
  constructor(report: HealthReport, path: string, write: () => void) {
    this.#report = report;
    this.#path = path;
    this.#write = write;
  }

  /** Takes note of why a change of so many bytes was not made. */
  failed(error: unknown, bytes: number): void {
    if (error instanceof DutError && error.code === "resource_exhausted") {
      this.#room = Math.max(this.#room, 2 * bytes);
      this.#report.set({ kind: "degraded", reason: error.message });
      this.#timer ??= setInterval(() => this.#look(), probeMs).unref();
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    try {
      writeBeside(`${this.#path}.probe`, this.#room);
      this.#write();
    } catch {
      // What is wrong has been reported, and is still.
      return;
    }
    this[Symbol.dispose]();
    this.#room = leastRoom;
    this.#report.set({ kind: "ok" });
  }
}

/** Makes a file of so many bytes, on the disk, and removes it again. */
function writeBeside(path: string, bytes: number): void {
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
