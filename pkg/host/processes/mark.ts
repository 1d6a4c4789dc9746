import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { processIds, processState, signalGroup } from "./group.ts";

/** The variable in the environment by which the descendants of a program are known, wherever they went. */
export const markVariable = "DUT_RUN";

/** A process that was just killed may be seen for a moment; one that starts others faster than this is left to the cgroup. */
const sweepRounds = 50;
const betweenRoundsMs = 20;

/**
 * Kills every process that carries a mark in the environment it was started with, and the group it is in. That finds
 * daemons, which left their group and session. It misses a process whose environment was cleared (`env -i`, sudo).
 */
export async function killMarked(mark: string): Promise<void> {
  for (let round = 0; round < sweepRounds; round++) {
    const groups = await groupsOfMarked(mark);
    if (groups.size === 0) {
      return;
    }
    for (const group of groups) {
      signalGroup(group, "SIGKILL");
    }
    await setTimeout(betweenRoundsMs);
  }
}

async function groupsOfMarked(mark: string): Promise<Set<number>> {
  const groups = new Set<number>();
  for (const pid of await processIds()) {
    const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => undefined);
    if (environment?.split("\0").includes(`${markVariable}=${mark}`)) {
      const found = await processState(pid);
      if (found !== undefined) {
        groups.add(found.group);
      }
    }
  }
  return groups;
}
