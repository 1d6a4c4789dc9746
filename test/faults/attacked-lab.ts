import type { TestContext } from "node:test";
import { debuggable } from "#test/support/collect-garbage.ts";
import { type Daemon, Lab, shellCommand } from "#test/support/lab.ts";
import { type MachineTime, openMachineTime } from "#test/support/machine-time.ts";
import { recovery } from "#test/support/metrics.ts";
import { openCanary } from "./canary.ts";

const board = { cmds: { sh: shellCommand } };

/** A server and an agent, one of which is attacked while a canary works through both. */
export interface AttackedLab extends AsyncDisposable {
  readonly lab: Lab;
  readonly server: Daemon;
  readonly agent: Daemon;
  /** What is attacked. */
  readonly target: Daemon;
  /** Shows what the target takes itself. */
  readonly machine: MachineTime;
  /**
   * Does something bad while the canary works, and then waits until the target needs no more than before. What it does
   * is done once before, so that what a program learns or keeps for ever does not look like a leak.
   */
  during(t: TestContext, attack: () => Promise<void>): Promise<void>;
}

/** Each of the programs that take connections. */
export const targets = ["dutserver", "dutagent"] as const;

export async function openAttackedLab(signal: AbortSignal, target: (typeof targets)[number]): Promise<AttackedLab> {
  await using opened = new AsyncDisposableStack();
  const lab = opened.use(await Lab.open(signal));
  const inspected = lab.startedBy("env", debuggable);
  const server = await inspected.server("-log", "info");
  const agent = await inspected.agent({ board, other: board }, "-server", server.address, "-log", "info");
  const attacked = { dutserver: server, dutagent: agent }[target];
  const machine = opened.use(openMachineTime(attacked));
  const release = opened.move();
  return {
    ...{ lab, server, agent, machine },
    target: attacked,
    async during(t, attack) {
      await attack();
      const recovered = await recovery(attacked);
      await using canary = openCanary(server, "other", agent);
      await canary.seen(50);
      canary.calm();
      await attack();
      await canary.seen(100);
      await canary.stop(t);
      t.diagnostic(await recovered());
    },
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}
