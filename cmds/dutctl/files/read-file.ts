import type { FileHandle } from "node:fs/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { limits } from "#pkg/protocol/limits.ts";
import type { GrantedFile } from "./open-file.ts";
import { shownName } from "./shown-name.ts";

/** What a message of the first protocol has room for besides a path. Bytes. */
const largestFile = limits.fileMessageBytes - 64 * 1024;

const pieceBytes = 1024 * 1024;

/** The whole content of a file, for the protocol that has it in one message. `name` is the word for it in errors. */
export function readWhole({ handle, stats }: GrantedFile, name: string): Promise<Uint8Array> {
  return readAll(handle, stats.size, name);
}

/** Reads to the end, whatever size the file claims to have or grows to. */
async function readAll(file: FileHandle, size: number, name: string): Promise<Uint8Array> {
  let content = Buffer.allocUnsafe(Math.min(size, largestFile) + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(content, length, content.length - length);
    if (bytesRead === 0) {
      return content.subarray(0, length);
    }
    length += bytesRead;
    if (length > largestFile) {
      const mebibytes = Math.floor(largestFile / 1024 / 1024);
      throw new DutError(
        "resource_exhausted",
        `reading requested file ${shownName(name)}: larger than ${mebibytes} MiB`,
        {
          hint: "this protocol sends a file in one message; compress it or split it",
        },
      );
    }
    if (length === content.length) {
      content = Buffer.concat([content], length + pieceBytes);
    }
  }
}
