import { readdir } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import type { Child } from "./child.ts";

type Program = Pick<Child, "process">;

/** How many files and sockets a program has open. */
export async function openFilesOf({ process: { pid } }: Program): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length;
}

/** Looks until a program has no more open than it had before. */
export async function untilOpenFiles(program: Program, before: number): Promise<void> {
  while ((await openFilesOf(program)) > before) {
    await setImmediate();
  }
}
