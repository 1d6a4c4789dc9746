import { setTimeout } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import type { Call } from "../module.ts";
import type { Board, Power } from "./board.ts";
import { type Machine, switchedItselfOff } from "./board-design.ts";

/** Switches a board on, or says that it is on already. */
export async function on<M extends Machine>(board: Board<M>, call: Call): Promise<void> {
  if (board.power.kind === "on") {
    await call.session.print(`already ${renderPower(board.power)}\n`);
    return;
  }
  await boot(board, call);
}

/** Asks a board to shut down and cuts its power after the grace, or says that it is off already. */
export async function off<M extends Machine>(board: Board<M>, call: Call): Promise<void> {
  const { power } = board;
  if (power.kind === "off") {
    await call.session.print(`already ${renderPower(power)}\n`);
    return;
  }
  await shutDown(power.machine, board.plan.graceMs, call);
}

/** Cuts a board's power and boots it again. Throws failed_precondition when it is off. */
export async function reset<M extends Machine>(board: Board<M>, call: Call): Promise<void> {
  await requireOn(board)[Symbol.asyncDispose]();
  await boot(board, call);
}

/** What runs. Throws failed_precondition when the board is off. */
export function requireOn<M extends Machine>({ power }: Board<M>): M {
  if (power.kind === "off") {
    throw new DutError("failed_precondition", "the board is off", { hint: "switch it on" });
  }
  return power.machine;
}

/** Throws failed_precondition when the board is on. */
export function requireOff<M extends Machine>({ power }: Board<M>): void {
  if (power.kind === "on") {
    throw new DutError("failed_precondition", "the board is on, and its disk in use", { hint: "switch it off first" });
  }
}

export function renderPower(power: Power<Machine>): string {
  if (power.kind === "on") {
    return `on, pid ${power.machine.pid}, since ${power.since.toISOString()}`;
  }
  return power.ended === undefined ? "off" : `off, since ${power.ended.at.toISOString()}: ${power.ended.how}`;
}

async function boot<M extends Machine>(board: Board<M>, { session, log, signal }: Call): Promise<void> {
  const { pid } = await board.switchOn(signal);
  log.info("the board is on", { state: board.plan.state, pid });
  await session.print(`on, pid ${pid}, console ${board.plan.console}\n`);
}

/** Orderly, then hard. When the run ends meanwhile the board goes on shutting down but is not cut off. */
async function shutDown(machine: Machine, graceMs: number, { session, signal }: Call): Promise<void> {
  const waiting = new AbortController();
  const waited = AbortSignal.any([signal, waiting.signal]);
  try {
    const deaf = await machine.askToShutDown(signal);
    if (deaf === undefined) {
      await session.print("asked the board to shut down\n");
      const timeout = setTimeout(graceMs, "too late" as const, { signal: waited });
      const how = await Promise.race([machine.ended, timeout]);
      if (how !== "too late") {
        await session.print(how === switchedItselfOff ? "off\n" : `off: ${how}\n`);
        return;
      }
      await session.print(`it did not within ${formatDuration(graceMs)}\n`);
    } else {
      await session.print(`${deaf}\n`);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    waiting.abort();
  }
  await machine[Symbol.asyncDispose]();
  await session.print("off: cut the power\n");
}
