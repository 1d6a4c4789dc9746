import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Gives a file whose content is on the disk the name of another in the same directory, and puts the name there, too. */
export async function putInPlace(path: string, target: string): Promise<void> {
  await rename(path, target);
  await using directory = await open(dirname(target), "r");
  await directory.sync();
}
