import { setTimeout } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Log } from "#pkg/log/log.ts";
import { markOf, runDirectory } from "./machine.ts";
import type { BoardPlan } from "./options.ts";

/** A killed process is seen for a moment longer. */
const lookAgainMs = 20;
const rounds = 100;

/**
 * Ends and removes what an agent that was killed left of a board. To be called by the owner of the state directory only.
 * Throws failed_precondition when a process cannot be ended.
 */
export async function removeLeftovers(plan: BoardPlan, host: Host, log: Log): Promise<void> {
  const { files } = host;
  let pids = await leftRunning(plan, host);
  for (let round = 0; pids.length > 0; round++) {
    if (round === rounds) {
      throw new DutError(
        "failed_precondition",
        `a board that a killed agent left does not end: process ${pids.join(", ")}`,
        {
          hint: "end it by hand, perhaps as another user",
        },
      );
    }
    log.warn("ending a board that a killed agent left running", { state: plan.state, pids });
    await kill(pids, host);
    await setTimeout(lookAgainMs);
    pids = await leftRunning(plan, host);
  }
  await files.remove(runDirectory(plan));
  await files.remove(`${plan.disk}.new`);
}

/**
 * A process is the board's when one of its arguments is the directory that only this board's kernel is started with, so a
 * process id that was given to another program meanwhile is not touched.
 */
async function leftRunning(plan: BoardPlan, { files }: Host): Promise<string[]> {
  const pids: string[] = [];
  for (const pid of (await files.list("/proc")).filter((name) => /^\d+$/.test(name))) {
    const command = await files.readText(`/proc/${pid}/cmdline`).catch(ended);
    if (command?.split("\0").includes(markOf(plan))) {
      pids.push(pid);
    }
  }
  return pids;
}

/** ESRCH: the process ended between the two looks. Another user's may be hidden. */
function ended(error: unknown): undefined {
  if (!(error instanceof DutError)) {
    throw error;
  }
}

async function kill(pids: readonly string[], { processes }: Host): Promise<void> {
  const { signal } = new AbortController();
  await using kill = await processes.start({ program: "sh", args: ["-c", 'kill -KILL "$@"', "kill", ...pids], signal });
  await kill.exited;
}
