import { statfs } from "node:fs/promises";
import { doing } from "./errno.ts";

/** Bytes that a user who is not root may still write on the file system where `path` is. */
export async function freeBytes(path: string): Promise<number> {
  return await doing(`look how much is free at ${path}`, async () => {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  });
}
