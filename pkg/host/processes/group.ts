import { readdir, readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { errnoOf } from "../errno.ts";

/** How often a group that was asked to end is looked at; nothing in the kernel tells when a group becomes empty. */
const lookEveryMs = 20;

/** Sends a signal to a process group. A group that is gone, or that belongs to another user (sudo), is left alone. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if (errnoOf(error) !== "ESRCH" && errnoOf(error) !== "EPERM") {
      throw error;
    }
  }
}

/** Resolves when no member of a group lives any more, at the latest after `withinMs`. */
export async function groupGone(group: number, withinMs: number): Promise<void> {
  const end = performance.now() + withinMs;
  // A look takes a while, and a member may start another and end meanwhile: what is gone is not seen twice.
  for (let looksInVain = 0; looksInVain < 2 && performance.now() < end; ) {
    if (!groupTakesSignals(group)) {
      return;
    }
    looksInVain = (await groupLives(group)) ? 0 : looksInVain + 1;
    await setTimeout(Math.min(lookEveryMs, withinMs));
  }
}

function groupTakesSignals(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== "ESRCH";
  }
}

/** Whether a member is more than a zombie: below a pid 1 that reaps nothing, zombies stay and take signals for ever. */
async function groupLives(group: number): Promise<boolean> {
  if (process.platform !== "linux") {
    return true;
  }
  for (const pid of await processIds()) {
    const found = await processState(pid);
    if (found !== undefined && found.group === group && found.state !== "Z" && found.state !== "X") {
      return true;
    }
  }
  return false;
}

/**
 * The processes that this computer shows; none where there is no /proc. What cannot be looked at, here and below, is not
 * seen: another user's, one that is gone, or all of them when this process may open no more files.
 */
export async function processIds(): Promise<number[]> {
  const names = await readdir("/proc").catch(() => []);
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

/** Group and one-letter state of a process, see proc_pid_stat(5); undefined when it is not seen. */
export async function processState(pid: number): Promise<{ group: number; state: string } | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // The second field is the program's name in parentheses, which may itself hold blanks and parentheses.
  const [state, , group] = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  return state === undefined ? undefined : { group: Number(group), state };
}
