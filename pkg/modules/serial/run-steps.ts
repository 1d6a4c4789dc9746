import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import type { SerialPort } from "#pkg/host/serial-ports.ts";
import { pause } from "../pause.ts";
import { MatchWindow } from "./match-window.ts";
import { nextPiece } from "./next-piece.ts";
import type { Script, Step } from "./parse-script.ts";
import type { Pattern } from "./pattern.ts";
import type { RunOutput } from "./run-output.ts";
import { startTimeLimit } from "./time-limit.ts";

/** The line that a script works on. */
export interface Line {
  readonly port: SerialPort;
  readonly arrivals: AsyncIterator<Uint8Array>;
  readonly output: RunOutput;
  /** Before each send, in milliseconds. */
  readonly delayMs: number;
}

/** Runs the steps in order within the script's time limit. Throws at the first that fails, naming it. */
export async function runSteps(line: Line, script: Script, signal: AbortSignal): Promise<void> {
  using limit = startTimeLimit(signal, script.timeoutMs);
  const unmatched = new MatchWindow();
  const total = script.steps.length;
  for (const [index, step] of script.steps.entries()) {
    const position = `${index + 1}/${total}`;
    try {
      if (step.kind === "expect") {
        await expectPattern(line, unmatched, step.pattern, limit.signal);
      } else {
        await send(line, step, limit.signal);
        unmatched.clear();
      }
    } catch (error) {
      const words = step.kind === "expect" ? expectFailure(error, script.timeoutMs, limit, signal) : messageOf(error);
      throw stepFailure(`step ${index + 1} (${step.kind} ${step.label}): ${words}`, error, signal);
    }
    await line.output.marker(`[${position}] ${step.kind === "expect" ? "matched" : "sent"} ${step.label}`);
  }
}

async function expectPattern(line: Line, unmatched: MatchWindow, pattern: Pattern, signal: AbortSignal): Promise<void> {
  while (!(await unmatched.consume(pattern, signal))) {
    const piece = await nextPiece(line.arrivals, signal);
    if (piece === undefined) {
      throw new DutError("unavailable", "the serial port was closed");
    }
    unmatched.append(await line.output.device(piece));
  }
}

async function send(line: Line, step: Step & { kind: "send" }, signal: AbortSignal): Promise<void> {
  if (line.delayMs > 0) {
    await pause(line.delayMs, signal);
  }
  if (step.secret !== undefined) {
    line.output.hide(step.secret);
  }
  await line.port.write(step.payload, signal);
}

/** What an expect says when it ended without a match. */
function expectFailure(
  error: unknown,
  timeoutMs: number | undefined,
  limit: { expired: () => boolean },
  signal: AbortSignal,
): string {
  if (timeoutMs !== undefined && limit.expired()) {
    return `timeout of ${formatDuration(timeoutMs)} reached without match`;
  }
  if (signal.aborted) {
    return isDeadline(signal.reason) ? "deadline reached without match" : "canceled";
  }
  return messageOf(error);
}

function stepFailure(message: string, error: unknown, signal: AbortSignal): DutError {
  const hint = error instanceof DutError ? error.hint : undefined;
  return new DutError(codeOf(error, signal), message, hint === undefined ? { cause: error } : { hint, cause: error });
}

function codeOf(error: unknown, signal: AbortSignal): DutError["code"] {
  if (signal.aborted) {
    return isDeadline(signal.reason) ? "deadline_exceeded" : "canceled";
  }
  return error instanceof DutError ? error.code : "internal";
}

function isDeadline(reason: unknown): boolean {
  return reason instanceof DutError
    ? reason.code === "deadline_exceeded"
    : reason instanceof Error && reason.name === "TimeoutError";
}
