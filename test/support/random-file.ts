import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";

const mebibyte = 1024 * 1024;

/** Writes so many mebibytes that do not repeat, and returns their SHA-256. */
export async function writeRandomFile(path: string, mebibytes: number): Promise<string> {
  const hash = createHash("sha256");
  const block = Buffer.alloc(mebibyte);
  crypto.getRandomValues(block.subarray(0, 65_536));
  await using file = await open(path, "w");
  for (let index = 0; index < mebibytes; index++) {
    block.writeUInt32LE(index, (index * 4) % block.length);
    hash.update(block);
    await file.write(block);
  }
  return hash.digest("hex");
}

/** The SHA-256 of the first mebibytes of a file. */
export async function digestOf(path: string, mebibytes: number): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { end: mebibytes * mebibyte - 1 })) {
    hash.update(chunk as Buffer);
  }
  return hash.digest("hex");
}
