import { DutError } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import type { Processes, ProcessOptions } from "#pkg/host/processes.ts";
import { type Answer, askTool, wellAnswered } from "./ask-tool.ts";

/**
 * As `askTool`, for a tool that may wait for its hardware for ever: throws deadline_exceeded when it has not ended
 * within a time, and ends it.
 */
export async function askToolInTime(
  processes: Processes,
  title: string,
  options: ProcessOptions,
  limitMs: number,
): Promise<Answer> {
  const { signal } = options;
  const late = AbortSignal.timeout(limitMs);
  try {
    return await askTool(processes, title, { ...options, signal: AbortSignal.any([signal, late]) });
  } catch (error) {
    signal.throwIfAborted();
    if (late.aborted) {
      throw new DutError("deadline_exceeded", `${title} did not answer within ${formatDuration(limitMs)}`, {
        hint: "look at what is connected to the agent, and at its kernel log",
        cause: error,
      });
    }
    throw error;
  }
}

/** As `askToolInTime`; throws as `endedBadly` unless the program ends well. Returns its stdout. */
export async function askToolWellInTime(
  processes: Processes,
  title: string,
  options: ProcessOptions,
  limitMs: number,
): Promise<string> {
  return wellAnswered(title, await askToolInTime(processes, title, options, limitMs));
}
