import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import type { Turns } from "../hardware/turns.ts";
import { pause } from "../pause.ts";
import { type Level, type Outlet, opposite } from "./outlet.ts";

/** A unit that is asked again so often has had its chance; the pauses before are 200 and 400 ms. */
const mostAttempts = 3;
const firstPauseMs = 200;

const lookAgainMs = 250;

/** An outlet as modules use it, whatever its unit is. */
export interface PowerPoint {
  /** What messages call it, such as `PDU outlet 3`. */
  readonly name: string;
  readonly outlet: Outlet;
  /** Shared by everything that talks to the same unit. */
  readonly turns: Turns;
  /** How long the unit may take until it reports what it was told, in milliseconds. */
  readonly confirmMs: number;
}

/** Whether the unit reports the level that it was told. */
export type Confirmation = "confirmed" | "cannot tell";

/** Throws unimplemented for a unit that does not tell. */
export async function readLevel(point: PowerPoint, signal: AbortSignal): Promise<Level> {
  return await inTurn(point, signal, () => ask(point, signal));
}

/** Tells the unit and waits until it reports the level. Throws unavailable when it does not. `begun` is called before it is told. */
export async function switchTo(
  point: PowerPoint,
  level: Level,
  signal: AbortSignal,
  begun: () => void = () => {},
): Promise<Confirmation> {
  return await inTurn(point, signal, async () => {
    begun();
    return await change(point, level, signal);
  });
}

/** Reads and switches to the opposite in one turn: to repeat a request of it cannot toggle twice. */
export async function toggle(point: PowerPoint, signal: AbortSignal): Promise<Level> {
  return await inTurn(point, signal, async () => {
    const before = await ask(point, signal).catch((error: unknown) => {
      throw told(error, signal, `could not read the state of ${point.name} to toggle it`);
    });
    const wanted = opposite(before);
    await change(point, wanted, signal);
    return wanted;
  });
}

async function inTurn<T>({ turns }: PowerPoint, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  using _turn = await turns.take(signal);
  return await work();
}

async function ask({ name, outlet }: PowerPoint, signal: AbortSignal): Promise<Level> {
  const { read } = outlet;
  if (read === undefined) {
    throw new DutError("unimplemented", `the unit does not tell the state of ${name}`, {
      hint: "use on, off or cycle",
    });
  }
  return await patiently(() => read(signal), signal);
}

async function change(point: PowerPoint, level: Level, signal: AbortSignal): Promise<Confirmation> {
  const { name, outlet, confirmMs } = point;
  await patiently(() => outlet.write(level, signal), signal);
  if (outlet.read === undefined) {
    return "cannot tell";
  }
  const end = performance.now() + confirmMs;
  for (;;) {
    const reported = await ask(point, signal).catch((error: unknown) => {
      throw told(error, signal, `${name} was told to turn ${level}, but its state could not be read back`);
    });
    if (reported === level) {
      return "confirmed";
    }
    if (performance.now() >= end) {
      throw new DutError(
        "unavailable",
        `${name} does not turn ${level}: its unit took the command and reports ${reported} after ${formatDuration(confirmMs)}`,
        { hint: "is the outlet locked, scheduled or overloaded? a slow unit needs a longer option confirm" },
      );
    }
    await pause(lookAgainMs, signal);
  }
}

/** Repeats what the unit did not take or answer. A unit that let a time limit pass is not asked again: that was long enough. */
async function patiently<T>(request: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request();
    } catch (error) {
      signal.throwIfAborted();
      if (attempt === mostAttempts || !(error instanceof DutError) || error.code !== "unavailable") {
        throw error;
      }
    }
    await pause(firstPauseMs * attempt, signal);
  }
}

/** The same error with what was being done in front. */
function told(error: unknown, signal: AbortSignal, doing: string): unknown {
  if (signal.aborted || !(error instanceof DutError)) {
    return error;
  }
  const { code, hint } = error;
  return new DutError(
    code,
    `${doing}: ${messageOf(error)}`,
    hint === undefined ? { cause: error } : { hint, cause: error },
  );
}
