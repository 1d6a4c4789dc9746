import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";

/** Milliseconds of a clock tick, which Linux has the same everywhere for programs (proc(5), sysconf(3)). */
const tickMs = 10;

/** Milliseconds that a process has worked since its start, in itself and in the system. */
export async function processorMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // The second field is a name in parentheses, in which anything may be.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system] = [fields[11], fields[12]].map(Number);
  return ((user ?? Number.NaN) + (system ?? Number.NaN)) * tickMs;
}

/** How much of one core a process has in the next so many milliseconds, in percent. */
export async function processorShare(pid: number, milliseconds: number): Promise<number> {
  const before = await processorMs(pid);
  await wait(milliseconds);
  return (100 * ((await processorMs(pid)) - before)) / milliseconds;
}
