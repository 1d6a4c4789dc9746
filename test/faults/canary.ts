import { spawn } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import type { Child } from "#test/support/child.ts";
import type { Daemon } from "#test/support/lab.ts";
import { type MachineTime, openMachineTime } from "#test/support/machine-time.ts";
import { speakV1 } from "./spoken.ts";

const listEveryMs = 100;
/** How many answers tell it what they take on this machine. */
const calmAnswers = 20;
/** What it waits for an answer before it takes itself for harmed. */
const patienceMs = 30_000;
/** A run with every so many lists. */
const runEvery = 5;
const usualPromptMs = 250;

/**
 * A healthy client beside a fault: it lists ten times a second and runs a command twice a second. What it takes is what
 * its programs take: that the machine has no time for them, or stands still, is not held against them (`machine-time.ts`), nor
 * is what a shell takes that runs beside those of its commands.
 */
export interface Canary extends AsyncDisposable {
  /** Resolves when it has been answered so many times. */
  seen(answers: number): Promise<void>;
  /** What its answers took so far is what they take here: from now on something is done. */
  calm(): void;
  /** What its answers took since then was of something else. */
  forget(): void;
  /**
   * Ends it, says how it fared, and throws when something failed for it, or when more than one of 100 answers took longer
   * than so many milliseconds, or twice what they took before on a machine that is slow. Default 250.
   */
  stop(t: TestContext, promptMs?: number): Promise<void>;
}

/** Where a canary asks. */
type Asked = Pick<Daemon, "address" | "process">;

/** Its device needs the command `sh`, and may be at an agent behind the one that is asked. */
export function openCanary(asked: Asked, device: string, ...behind: readonly Child[]): Canary {
  const machine = openMachineTime(asked, ...behind);
  const connection = connectTo(parseAddress(asked.address), { identity: "canary@test" });
  const over = new AbortController();
  let times = new Times();
  let calmMs = 0;
  const failures: unknown[] = [];
  let answered = Promise.withResolvers<void>();
  const life = (async () => {
    for (let turn = 1; !over.signal.aborted; turn++) {
      const begun = machine.now();
      try {
        await connection.devices.list({}, { timeoutMs: patienceMs });
        times.lists.push(machine.now() - begun);
        if (turn % runEvery === 0) {
          const runBegun = machine.now();
          const shell = shellTime(machine);
          const command = { device, command: "sh", args: ["echo alive"] };
          const { stdout, end } = await speakV1(connection, command, AbortSignal.timeout(patienceMs));
          if (stdout !== "alive\n") {
            failures.push(new Error(`the canary's run said ${JSON.stringify(stdout)} and ended with ${end}`));
          }
          times.runs.push(machine.now() - runBegun);
          times.shells.push(await shell);
        }
      } catch (error) {
        failures.push(error);
      }
      answered.resolve();
      answered = Promise.withResolvers();
      await setTimeout(listEveryMs, undefined, { signal: over.signal }).catch(() => {});
    }
  })();
  const end = async () => {
    over.abort();
    await life;
    connection[Symbol.dispose]();
    machine[Symbol.dispose]();
  };
  return {
    async seen(answers) {
      for (const wanted = times.count + answers; times.count < wanted && failures.length === 0; ) {
        await answered.promise;
      }
    },
    calm() {
      calmMs = times.slowest;
      times = new Times();
    },
    forget() {
      times = new Times();
    },
    async stop(t, promptMs = usualPromptMs) {
      await end();
      const { slowest, count } = times;
      const before = calmMs === 0 ? "" : ` (${calmMs} ms before)`;
      t.diagnostic(`canary: ${count} answers, 99 % within ${slowest} ms${before}, ${failures.length} failures`);
      if (failures.length > 0) {
        throw new AggregateError(failures, "others were harmed by the fault");
      }
      if (slowest >= Math.max(promptMs, 2 * calmMs)) {
        throw new Error(`others were held up by the fault: 99 % of their answers came within ${slowest} ms`);
      }
    },
    [Symbol.asyncDispose]: end,
  };
}

/** One that has found out what this machine takes while nothing is done to anybody. */
export async function openCalmCanary(asked: Asked, device: string, ...behind: readonly Child[]): Promise<Canary> {
  const canary = openCanary(asked, device, ...behind);
  await canary.seen(calmAnswers);
  canary.calm();
  return canary;
}

/** What answers took, in milliseconds. */
class Times {
  readonly lists: number[] = [];
  readonly runs: number[] = [];
  /** One beside each run. */
  readonly shells: number[] = [];

  get count(): number {
    return this.lists.length + this.runs.length;
  }

  /** What 99 of 100 answers did not exceed; of runs, what they took longer than any shell. */
  get slowest(): number {
    const shell = Math.max(0, ...this.shells);
    const sorted = [...this.lists, ...this.runs.map((run) => run - shell)].toSorted((a, b) => a - b);
    return Math.round(sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0);
  }
}

/** How long a shell takes to say something. */
async function shellTime(machine: MachineTime): Promise<number> {
  const begun = machine.now();
  await once(spawn("sh", ["-c", "echo alive"], { stdio: "ignore" }), "close");
  return machine.now() - begun;
}
