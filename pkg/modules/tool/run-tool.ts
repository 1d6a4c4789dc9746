import type { ExitStatus, Processes, ProcessOptions } from "#pkg/host/processes.ts";
import type { Call } from "../module.ts";
import { conduct } from "./conduct.ts";
import { Tail } from "./tail.ts";

/** Enough for what a tool says about its failure. */
const keptBytes = 64 * 1024;

interface Shown {
  readonly status: ExitStatus;
  /** The last 64 KiB of both outputs, for errors and for what a module looks up in them. */
  readonly said: string;
}

/**
 * Runs a program to its end and shows the user what it says while it says it; `heard` is told each piece too. Rejects with
 * the reason of the run's end once the program is gone, in its grace at the latest, and when the program does not start
 * with `failed to execute <title>: …`.
 */
export async function runTool(
  call: Call,
  processes: Processes,
  title: string,
  options: Omit<ProcessOptions, "signal">,
  heard: (piece: Uint8Array) => Promise<void> | void = () => {},
): Promise<Shown> {
  const { session } = call;
  const tail = new Tail(keptBytes);
  const hear = async (piece: Uint8Array, show: (piece: Uint8Array) => Promise<void>) => {
    tail.push(piece);
    await heard(piece);
    await show(piece);
  };
  const status = await conduct(call, {
    title,
    start: (signal) => processes.start({ ...options, signal }),
    stdout: (piece) => hear(piece, (bytes) => session.stdout(bytes)),
    stderr: (piece) => hear(piece, (bytes) => session.stderr(bytes)),
  });
  return { status, said: tail.bytes.toString() };
}
