import { fstatSync, writeSync } from "node:fs";
import { getSystemErrorMessage } from "node:util";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";

/** Resolves when stdout has taken all of the text, or its reader has left; rejects with what is to be told to the user. */
export async function writeStandardOutput(text: string): Promise<void> {
  const { fd } = process.stdout;
  try {
    await (isStream(fd) ? writeToStream(text) : writeToFile(fd, text));
  } catch (error) {
    const { code, errno } = error as NodeJS.ErrnoException;
    if (code !== "EPIPE") {
      const reason = errno === undefined ? messageOf(error) : getSystemErrorMessage(errno);
      throw new DutError("unknown", `cannot write to standard output: ${reason}`, { cause: error });
    }
  }
}

/** Whether Node has to do the waiting for whoever reads. */
function isStream(fd: number): boolean {
  const found = fstatSync(fd);
  return process.stdout.isTTY || found.isFIFO() || found.isSocket();
}

/** A pipe holds 64 KiB, so this takes as long as its reader does. */
async function writeToStream(text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  process.stdout.once("error", reject);
  process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  await promise;
}

/** A disk that is nearly full takes a part first and refuses only the rest; Node's own stream drops that without a word. */
function writeToFile(fd: number, text: string): void {
  for (let left = Buffer.from(text); left.length > 0; ) {
    left = left.subarray(writeSync(fd, left));
  }
}
