import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { doing } from "./errno.ts";
import type { OpenFile } from "./files.ts";

const pieceBytes = 64 * 1024;

/** Does not wait at a FIFO that nobody writes to; see `Files.read`. */
export async function openForReading(path: string): Promise<OpenFile> {
  return await openFile(path, () => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
}

/** What `acquire` opens, as a file that is known to its user as `name`. */
export async function openFile(name: string, acquire: () => Promise<FileHandle>): Promise<OpenFile> {
  const what = `read ${name}`;
  await using acquired = new AsyncDisposableStack();
  const file = acquired.use(await doing(what, acquire));
  const found = await doing(what, () => file.stat());
  if (!found.isFile()) {
    throw new DutError("failed_precondition", `${name} is not a file`);
  }
  const release = acquired.move();
  return {
    size: found.size,
    mode: found.mode & 0o7777,
    content: contentOf(file, what),
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

async function* contentOf(file: FileHandle, what: string): AsyncGenerator<Uint8Array, void, void> {
  for (;;) {
    const { buffer, bytesRead } = await doing(what, () => file.read({ buffer: Buffer.allocUnsafeSlow(pieceBytes) }));
    if (bytesRead === 0) {
      return;
    }
    yield buffer.subarray(0, bytesRead);
  }
}
