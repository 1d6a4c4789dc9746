import { join } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import type { ExitStatus, HostProcess } from "#pkg/host/processes.ts";
import type { BoardPlan } from "./options.ts";

/** What the kernel says to its starter is a few lines before its console works, and its last messages after a panic. */
const outputCharacters = 8000;

/** The orderly end. */
export const switchedItselfOff = "it switched itself off";

/** The name of the machine below the directory that the kernel keeps its socket in. */
const umid = "board";

export const runDirectory = (plan: BoardPlan) => join(plan.state, "run");

/** The argument that tells processes of this board from all others. */
export const markOf = (plan: BoardPlan) => `uml_dir=${runDirectory(plan)}/`;

/** A board that has power. Disposing cuts it. */
export interface Machine extends AsyncDisposable {
  readonly pid: number;
  /** Says how it ended, with everything of it gone; never rejects. */
  readonly ended: Promise<string>;
  /** Presses ctrl-alt-del. False when the kernel does not listen (yet). */
  ctrlAltDelete(signal: AbortSignal): Promise<boolean>;
}

/** Boots a kernel on a serial device. Throws as `Processes.start` does. */
export async function startMachine(plan: BoardPlan, device: string, { processes, files }: Host): Promise<Machine> {
  const stop = new AbortController();
  const process = await processes.start({
    program: plan.kernel,
    args: [
      `mem=${plan.memory}`,
      markOf(plan),
      `umid=${umid}`,
      `ubd0=${plan.disk}`,
      "root=/dev/ubda",
      "rw",
      "con=null",
      "ssl=null",
      `ssl0=tty:${device}`,
      "console=ttyS0",
      ...plan.arguments,
    ],
    signal: stop.signal,
    endWith: "SIGKILL",
  });
  const ended = howItEnded(process)
    .then((how) => (stop.signal.aborted ? "its power was cut" : how))
    .finally(() => files.remove(runDirectory(plan)));
  return {
    pid: process.pid,
    ended,
    ctrlAltDelete: (signal) => pressCtrlAltDelete(join(runDirectory(plan), umid, "mconsole"), processes, signal),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
      await process[Symbol.asyncDispose]();
    },
  };
}

async function howItEnded(process: HostProcess): Promise<string> {
  const [said, complained, status] = await Promise.all([
    lastOf(process.stdout),
    lastOf(process.stderr),
    process.exited,
  ]);
  return explainEnd(status, `${said}\n${complained}`);
}

function explainEnd(status: ExitStatus, output: string): string {
  if (status.kind === "exited" && status.code === 0) {
    return switchedItselfOff;
  }
  if (status.kind === "exited" ? status.code === 134 : status.signal === "SIGABRT") {
    const [, reason] = /Kernel panic - not syncing: (.*)/.exec(output) ?? [];
    return reason === undefined ? "kernel panic" : `kernel panic: ${reason.trim()}`;
  }
  const how = status.kind === "exited" ? `the kernel ended with status ${status.code}` : `ended by ${status.signal}`;
  const words = output.split("\n").findLast((line) => line.trim() !== "" && !/\.\.\.\w|Adding \d+ bytes/.test(line));
  return status.kind === "exited" && words !== undefined ? `${how}: ${words.trim()}` : how;
}

async function lastOf(output: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of output) {
    text = (text + decoder.decode(piece, { stream: true })).slice(-outputCharacters);
  }
  return text;
}

/**
 * The request `cad` of the management console: magic 0xcafebabe, version 2, length, command (mconsole.h of the kernel,
 * little-endian), as a datagram, which Node cannot send.
 */
const request = String.raw`printf '\276\272\376\312\002\000\000\000\003\000\000\000cad' | socat -u STDIN "UNIX-SENDTO:$1"`;

async function pressCtrlAltDelete(socket: string, processes: Host["processes"], signal: AbortSignal): Promise<boolean> {
  await using sent = await processes.start({ program: "sh", args: ["-c", request, "ctrl-alt-del", socket], signal });
  const [, , status] = await Promise.all([lastOf(sent.stdout), lastOf(sent.stderr), sent.exited]);
  signal.throwIfAborted();
  if (status.kind === "killed") {
    throw new DutError("internal", `socat was ended by ${status.signal}`);
  }
  return status.code === 0;
}
