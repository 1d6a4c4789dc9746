import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { reasonOf } from "./errno.ts";

/** What a message of the protocol has room for besides a path. Bytes. */
const largestFile = limits.fileMessageBytes - 64 * 1024;

const pieceBytes = 1024 * 1024;

/**
 * The whole content of a regular file. Nothing else is opened, so that no pipe is waited for and no device touched.
 * `name` is the word for the file in errors.
 */
export async function readRegularFile(path: string, name: string): Promise<Uint8Array> {
  try {
    refuseIrregular((await stat(path)).isFile(), name);
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    refuseIrregular((await file.stat()).isFile(), name);
    return await readAll(file, name);
  } catch (error) {
    if (error instanceof DutError) {
      throw error;
    }
    throw new DutError("not_found", `reading requested file ${quote(name)}: open ${name}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function refuseIrregular(regular: boolean, name: string): void {
  if (!regular) {
    throw new DutError("failed_precondition", `reading requested file ${quote(name)}: not a regular file`, {
      hint: "only regular files are sent",
    });
  }
}

/** Reads to the end, whatever size the file claims to have or grows to. */
async function readAll(file: FileHandle, name: string): Promise<Uint8Array> {
  const { size } = await file.stat();
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
      throw new DutError("resource_exhausted", `reading requested file ${quote(name)}: larger than ${mebibytes} MiB`, {
        hint: "this protocol sends a file in one message; compress it or split it",
      });
    }
    if (length === content.length) {
      content = Buffer.concat([content], length + pieceBytes);
    }
  }
}
