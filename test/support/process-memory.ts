import { readFile, writeFile } from "node:fs/promises";

/** Megabytes that a process has had in memory at once since it started, or since it was last reset. Throws when it has ended. */
export function peakMegabytes(pid: number): Promise<number> {
  return megabytesOf(pid, "VmHWM");
}

/** Megabytes that a process has in memory now. Throws when it has ended. */
export function residentMegabytes(pid: number): Promise<number> {
  return megabytesOf(pid, "VmRSS");
}

/** Begins the peak of a process anew (proc(5), clear_refs). */
export function resetPeak(pid: number): Promise<void> {
  return writeFile(`/proc/${pid}/clear_refs`, "5");
}

async function megabytesOf(pid: number, field: "VmHWM" | "VmRSS"): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const [, kibibytes] = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status) ?? [];
  if (kibibytes === undefined) {
    throw new Error(`process ${pid} has ended, and has no memory any more`);
  }
  return (Number(kibibytes) * 1024) / 1e6;
}
