import { writeSync } from "node:fs";

/** How long to wait before asking a full pipe again. */
const retryMs = 10;

/**
 * Standard error, written before `write` returns, so that a crash loses nothing. A reader that is slow slows the
 * program down; one that went away is no reason to stop controlling boards.
 */
export const stderrLines = {
  write(line: string): void {
    for (let rest: Uint8Array = Buffer.from(line); rest.length > 0; ) {
      rest = rest.subarray(writeSome(rest));
    }
  },
};

/** The number of bytes that were taken, or that nobody will ever take. */
function writeSome(bytes: Uint8Array): number {
  try {
    return writeSync(2, bytes);
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case "EAGAIN":
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
        return 0;
      case "EPIPE": // the reader has gone
      case "EIO": // the terminal has gone
      case "EBADF": // started with stderr closed
      case "ENOSPC":
        return bytes.length;
      default:
        throw error;
    }
  }
}
