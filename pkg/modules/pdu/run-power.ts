import { DutError, explain, messageOf } from "#pkg/errors/dut-error.ts";
import type { Call } from "../module.ts";
import { pause } from "../pause.ts";
import type { Level } from "./outlet.ts";
import type { PowerCommand } from "./power-command.ts";
import { type Confirmation, type PowerPoint, readLevel, switchTo, toggle } from "./power-point.ts";

/** How long a cycle that is ended early tries to switch on again: much less than the 12 s that an ended run may take to stop. */
const restoreMs = 3000;

/** What the user reads of it. */
export interface Wording {
  switched(level: Level): string;
  state(level: Level): string;
}

/** Does what the user asked for and says so once it has happened. */
export async function runPower(
  command: PowerCommand,
  point: PowerPoint,
  wording: Wording,
  usualDelayMs: number,
  call: Call,
): Promise<void> {
  const { session, signal } = call;
  const say = (level: Level, confirmation: Confirmation) =>
    session.print(
      `${wording.switched(level)}${confirmation === "confirmed" ? "" : ", which its unit cannot confirm"}\n`,
    );
  switch (command.name) {
    case "on":
    case "off":
      return await say(command.name, await switchTo(point, command.name, signal));
    case "toggle":
      return await say(await toggle(point, signal), "confirmed");
    case "status":
      return await session.print(`${wording.state(await readLevel(point, signal))}\n`);
    case "cycle":
      return await cycle(point, command.delayMs ?? usualDelayMs, call, say);
  }
}

/**
 * Off, a pause, on. Others may use the unit in the pause. Once it has been begun it does not leave the outlet off without
 * a word: when the run ends it switches on again, and when that fails the agent's log says so.
 */
async function cycle(
  point: PowerPoint,
  delayMs: number,
  { signal, log }: Call,
  say: (level: Level, confirmation: Confirmation) => Promise<void>,
): Promise<void> {
  let progress: "not begun" | "begun" = "not begun";
  try {
    const begun = () => {
      progress = "begun";
    };
    await say("off", await switchTo(point, "off", signal, begun));
    await pause(delayMs, signal);
    await say("on", await switchTo(point, "on", signal));
  } catch (error) {
    if ((progress as string) === "not begun") {
      throw error;
    }
    if (!signal.aborted) {
      throw maybeOff(point, error);
    }
    await switchTo(point, "on", AbortSignal.timeout(restoreMs)).then(
      () => log.info(`${point.name} is on again after a cycle that was ended early`),
      (failure: unknown) => log.error(`${point.name} may be off, a cycle was ended early: ${explain(failure)}`),
    );
    throw signal.reason;
  }
}

function maybeOff({ name }: PowerPoint, error: unknown): unknown {
  return error instanceof DutError
    ? new DutError(error.code, `${name} may be off now: ${messageOf(error)}`, {
        hint: error.hint ?? "look at its state, and switch it on when its unit is well again",
        cause: error,
      })
    : error;
}
