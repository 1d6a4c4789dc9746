import { readFile, writeFile } from "node:fs/promises";

/** Megabytes that a process has had in memory at once since it started, or since it was last reset. Throws when it has ended. */
export async function peakMegabytes(pid: number): Promise<number> {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
  if (kibibytes === undefined) {
    throw new Error(`process ${pid} has ended, and has no memory any more`);
  }
  return (Number(kibibytes) * 1024) / 1e6;
}

/** Begins the peak of a process anew (proc(5), clear_refs). */
export function resetPeak(pid: number): Promise<void> {
  return writeFile(`/proc/${pid}/clear_refs`, "5");
}
