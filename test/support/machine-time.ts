import { readdirSync, readFileSync } from "node:fs";
import type { Child } from "./child.ts";

const lookMs = 20;
/** How exact the clock is: to look costs some tenths of a millisecond. */
const exactMs = 5;
/** By how much a timer is late on a machine that has nothing else to do. */
const usualLatenessMs = 5;

type Program = Pick<Child, "process">;

/**
 * A clock that stands still while the machine lets this process, or one of some programs, not go on, although it could: a
 * machine that stands still, or is busy with other things, is no fault of theirs. What they wait for otherwise counts,
 * also when somebody has stopped them. Disposing ends the looking.
 */
export interface MachineTime extends Disposable {
  /** Milliseconds, as `performance.now` has them but for a beginning of its own. */
  now(): number;
}

/** Looks at a program until it ends. Only Linux tells how long programs wait for a processor. */
export function openMachineTime(...programs: readonly Program[]): MachineTime {
  const waits = programs.map(waitOf);
  let shown = 0;
  let looked = performance.now();
  let due = looked + lookMs;
  let worked = workedMs();
  const look = () => {
    const now = performance.now();
    const workedBefore = worked;
    worked = workedMs();
    const late = now - Math.max(looked, due + usualLatenessMs);
    const waited = waits.reduce((sum, wait) => sum + wait(), Math.max(0, late - (worked - workedBefore)));
    shown += Math.max(0, now - looked - waited);
    looked = now;
    return shown;
  };
  const timer = setTimeout(() => {
    look();
    due = looked + lookMs;
    timer.refresh();
  }, lookMs).unref();
  const now = () => (performance.now() - looked < exactMs ? shown : look());
  return { now, [Symbol.dispose]: () => clearTimeout(timer) };
}

/** Milliseconds of a processor that this thread has had. */
function workedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/**
 * The milliseconds that a program has waited for a processor since it was asked last (the scheduler's statistics of
 * proc(5)): of its threads the one that has waited longest, as others may wait for what it does.
 */
function waitOf({ process: { pid } }: Program): () => number {
  const known = new Map<string, number>();
  const wait = () => {
    const waits = threadsOf(pid).map((thread) => {
      const before = known.get(thread) ?? 0;
      const total = waitedBy(`/proc/${pid}/task/${thread}/schedstat`) ?? before;
      known.set(thread, total);
      return total - before;
    });
    return Math.max(0, ...waits);
  };
  wait();
  return wait;
}

/** None of a program that has ended. */
function threadsOf(pid: number | undefined): readonly string[] {
  return ofLiving(() => readdirSync(`/proc/${pid}/task`)) ?? [];
}

/** Milliseconds in all; undefined for a thread that has ended. */
function waitedBy(schedstat: string): number | undefined {
  const text = ofLiving(() => readFileSync(schedstat, "utf8"));
  return text === undefined ? undefined : Number(text.split(" ")[1]) / 1e6;
}

function ofLiving<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (!["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) {
      throw error;
    }
    return undefined;
  }
}
