import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { HostProcess, Processes, ProcessOptions } from "#pkg/host/processes.ts";

/** Enough to see what led to a failure, little enough to stay on a screen. */
const keptLines = 20;
const startMs = 30_000;
/** More than the 15 seconds that the programs give themselves for an orderly end. */
const graceMs = 20_000;

/** A program that serves until it is disposed of: asked to end, and killed when it does not. */
export interface Daemon extends AsyncDisposable {
  readonly name: string;
  /** Where it listens, such as `localhost:40123`; undefined for a program that listens nowhere. */
  readonly address: string | undefined;
  /** Resolves when it has ended, never rejects. */
  readonly ended: Promise<unknown>;
  /** The last lines of its log. */
  log(): readonly string[];
}

interface DaemonOptions extends Pick<ProcessOptions, "program" | "args" | "cwd" | "env"> {
  readonly name: string;
  /** The message of its log that says that it can be used. */
  readonly readyWhen: string;
}

/** Starts a program and waits until it is ready. Throws unavailable, with what it said, when it ends or hangs before that. */
export async function startDaemon(
  { name, readyWhen, ...options }: DaemonOptions,
  processes: Processes,
  signal: AbortSignal,
): Promise<Daemon> {
  const stop = new AbortController();
  const child = await processes.start({ ...options, signal: stop.signal, graceMs });
  const lines: string[] = [];
  const ready = Promise.withResolvers<void>();
  const read = readLines(child, (line) => {
    lines.push(line);
    lines.splice(0, lines.length - keptLines);
    if (line.includes(readyWhen)) {
      ready.resolve();
    }
  });
  const starting = AbortSignal.any([signal, AbortSignal.timeout(startMs)]);
  const giveUp = () => stop.abort();
  starting.addEventListener("abort", giveUp);
  if (starting.aborted) {
    giveUp();
  }
  const isReady = await Promise.race([ready.promise.then(() => true), child.exited.then(() => false)]);
  starting.removeEventListener("abort", giveUp);
  const address = /listening addr=(\S+)/.exec(lines.join("\n"))?.[1];
  if (starting.aborted || !isReady) {
    stop.abort();
    await Promise.all([child.exited, read]);
    signal.throwIfAborted();
    throw new DutError("unavailable", `${name} did not start; it said:\n${lines.join("\n")}`);
  }
  return {
    name,
    address,
    ended: child.exited,
    log: () => lines,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all([child.exited, read]);
    },
  };
}

async function readLines({ stdout, stderr }: HostProcess, take: (line: string) => void): Promise<void> {
  await Promise.all(
    [stdout, stderr].map(async (output) => {
      for await (const line of createInterface({ input: Readable.from(output) })) {
        take(line);
      }
    }),
  );
}
