import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, readFileSync, writeSync } from "node:fs";
import { Writable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { ReadStream } from "node:tty";
import { errnoOf } from "../errno.ts";
import { feed } from "../input.ts";
import { type NewTerminal, openNewTerminal, openTerminal, resizeTerminal } from "../new-terminal.ts";
import type { TerminalProcess, TerminalProcessOptions, TerminalProcessSize } from "../processes.ts";
import { markVariable } from "./mark.ts";
import { RunningProcess } from "./running-process.ts";

/**
 * Becomes the terminal's process, which the leader of a session does by opening it, and then the program. A program that
 * cannot be run ends with the statuses 126 and 127 of a shell.
 */
const takeTerminal = ["-c", 'exec 0<>"$0" 1>&0 2>&0 && exec "$@"'];

/** Nothing tells when a terminal that was full takes keys again. */
const tryAgainMs = 20;

/** Starts a program as the leader of a new terminal. Throws Node's own error when it cannot be started. */
export async function startOnTerminal(options: TerminalProcessOptions, mark: string): Promise<TerminalProcess> {
  const { type, size } = options.terminal;
  const terminal = await openNewTerminal(["iutf8", ...sizeWords(size)]);
  const child = await spawnOnto(terminal, type, options, mark).catch((error: unknown) => {
    closeSync(terminal.owner);
    throw error;
  });
  const pid = child.pid as number;
  const stream = new ReadStream(terminal.owner);
  const inputFailed = new AbortController();
  feed(options.stdin, keyboardOf(terminal.owner, stream), "terminal").catch((error: unknown) =>
    inputFailed.abort(error),
  );
  const program = new RunningProcess(
    { child, pid, mark, stdout: stream, stderr: undefined, stdin: undefined, foreground: () => foregroundOf(pid) },
    { signal: AbortSignal.any([options.signal, inputFailed.signal]), graceMs: options.graceMs, endWith: "SIGHUP" },
  );
  let told: Promise<void> = Promise.resolve();
  return Object.assign(program, {
    resize(to: TerminalProcessSize) {
      const telling = told.then(() => tellSize(terminal.device, to, stream));
      told = telling.catch(() => {});
      return telling;
    },
  });
}

async function tellSize(device: string, size: TerminalProcessSize, stream: ReadStream): Promise<void> {
  if (stream.destroyed || !isKnown(size)) {
    return;
  }
  try {
    await resizeTerminal(device, size);
  } catch (error) {
    if (!stream.destroyed) {
      throw error;
    }
  }
}

async function spawnOnto(terminal: NewTerminal, type: string, options: TerminalProcessOptions, mark: string) {
  const ends = openTerminal(terminal.device);
  try {
    const child: ChildProcess = spawn("/bin/sh", [...takeTerminal, terminal.device, options.program, ...options.args], {
      cwd: options.cwd,
      detached: true,
      env: { ...process.env, TERM: type, ...options.env, [markVariable]: mark },
      stdio: [ends, ends, ends],
    });
    await once(child, "spawn");
    return child;
  } finally {
    closeSync(ends);
  }
}

/**
 * Types into a terminal. Not through its stream, which would stop all of Node while the program does not read and the
 * terminal is full: libuv writes to an owner's side as long as it takes.
 */
function keyboardOf(owner: number, stream: ReadStream): Writable {
  const keyboard = new Writable({
    write(keys: Buffer, _encoding, done) {
      void typeAll(keys, owner, stream).then(() => done(), done);
    },
  });
  stream.once("close", () => keyboard.destroy());
  return keyboard;
}

async function typeAll(keys: Buffer, owner: number, stream: ReadStream): Promise<void> {
  for (let left = keys; left.length > 0 && !stream.destroyed; ) {
    try {
      left = left.subarray(writeSync(owner, left));
    } catch (error) {
      if (errnoOf(error) === "EIO") {
        return;
      }
      if (errnoOf(error) !== "EAGAIN") {
        throw error;
      }
      await setTimeout(tryAgainMs);
    }
  }
}

/** A user's terminal that does not know its own has a size of 0, which stty(1) does not take. */
function isKnown({ rows, columns }: TerminalProcessSize): boolean {
  return rows > 0 && columns > 0;
}

function sizeWords(size: TerminalProcessSize): string[] {
  return isKnown(size) ? ["rows", String(size.rows), "cols", String(size.columns)] : [];
}

/** The eighth field of proc_pid_stat(5); the leader's own group when it is gone or nothing is in the foreground. */
function foregroundOf(leader: number): number {
  try {
    const stat = readFileSync(`/proc/${leader}/stat`, "utf8");
    const foreground = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[5]);
    return foreground > 0 ? foreground : leader;
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ESRCH") {
      return leader;
    }
    throw error;
  }
}
