import type { ExitStatus, Processes, ProcessOptions } from "#pkg/host/processes.ts";
import { notStarted } from "./conduct.ts";
import { endedBadly, endedWell } from "./ended-badly.ts";
import { Tail } from "./tail.ts";

/** Of each output: more than any answer that a module asks for, and bounded for a tool that has gone mad. */
const keptBytes = 256 * 1024;

/** A question leaves little to be tidied up, and a tool that is stuck does not hear SIGTERM however long it has. */
const graceMs = 500;

export interface Answer {
  /** The last 256 KiB as text. */
  readonly stdout: string;
  readonly stderr: string;
  readonly status: ExitStatus;
}

/**
 * Runs a program that answers a question, to its end, and shows the user nothing. Throws the signal's reason once the
 * program is gone, which has half a second for that unless the options say otherwise, and what `Processes.start` throws as `failed to execute <title>: …`.
 */
export async function askTool(processes: Processes, title: string, options: ProcessOptions): Promise<Answer> {
  const { signal } = options;
  await using child = await processes.start({ graceMs, ...options }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw notStarted(title, error);
  });
  const [stdout, stderr, status] = await Promise.all([textOf(child.stdout), textOf(child.stderr), child.exited]);
  signal.throwIfAborted();
  return { stdout, stderr, status };
}

/** As `askTool`; throws as `endedBadly` unless the program ends well. Returns its stdout. */
export async function askToolWell(processes: Processes, title: string, options: ProcessOptions): Promise<string> {
  return wellAnswered(title, await askTool(processes, title, options));
}

/** The stdout of a program that ended well; throws as `endedBadly` for others. */
export function wellAnswered(title: string, { stdout, stderr, status }: Answer): string {
  if (!endedWell(status)) {
    throw endedBadly(title, status, stderr.trim() === "" ? stdout : stderr);
  }
  return stdout;
}

async function textOf(output: AsyncIterable<Uint8Array>): Promise<string> {
  const tail = new Tail(keptBytes);
  for await (const piece of output) {
    tail.push(piece);
  }
  return tail.bytes.toString();
}
