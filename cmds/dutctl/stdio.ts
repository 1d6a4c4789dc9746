import { constants, fstatSync, openSync, write, writeSync } from "node:fs";
import type { Writable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { codeOf, reasonOf } from "./files/errno.ts";
import { ProcessTerminal } from "./terminal/process-terminal.ts";
import type { Outlet, World } from "./world.ts";

/** Thrown by a write when the reader of the stream has gone away. Nobody is left to be told. */
export class OutputClosed extends Error {}

/** What a program says that waits for nothing any more; `echoed` when the terminal shows a key that has led to it. */
type LastWord = (line: string, options: { readonly echoed: boolean }) => void;

/** The streams of a process as a world has them. */
export function openStdio(
  process: NodeJS.Process,
): Pick<World, "stdin" | "stdout" | "stderr" | "terminal"> & { readonly lastWord: LastWord } {
  const { stdout, stderr } = process;
  const stdin = () => process.stdin;
  if (!stdout.isTTY && !stderr.isTTY) {
    const lastWord: LastWord = (line) => writeNow(stderr.fd, line);
    return { stdin, stdout: outletOf(stdout), stderr: outletOf(stderr), terminal: undefined, lastWord };
  }
  const terminal = new ProcessTerminal(process, outletOf);
  const shared = (stream: typeof stdout | typeof stderr) =>
    stream.isTTY ? terminal.outlet(outletOf(stream)) : outletOf(stream);
  const lastWord: LastWord = (line, options) =>
    stderr.isTTY ? terminal.lastWord(line, options) : writeNow(stderr.fd, line);
  return { stdin, stdout: shared(stdout), stderr: shared(stderr), terminal, lastWord };
}

/** Node has made pipes and sockets such that nobody waits for their readers. */
function writeNow(fd: number, line: string): void {
  try {
    writeSync(fd, `${line}\n`);
  } catch (error) {
    if (![...closedCodes, "EAGAIN", "ENOSPC"].includes(codeOf(error))) {
      throw error;
    }
  }
}

type StreamName = "stdout" | "stderr";

/** A stream of the process as an outlet. A failed write is its writer's to report, so the stream itself never throws. */
function outletOf(stream: Writable & { readonly isTTY?: boolean; readonly fd?: number }): Outlet {
  stream.on("error", () => {});
  const name = stream.fd === 2 ? "stderr" : "stdout";
  if (stream.isTTY === true && stream.fd !== undefined) {
    return terminalOutlet(stream.fd, name);
  }
  if (stream.fd !== undefined && isFile(stream.fd)) {
    return fileOutlet(stream.fd, name);
  }
  return {
    isTerminal: false,
    async write(data) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      stream.write(data, (error) => (error ? reject(translate(error, name)) : resolve()));
      await promise;
    },
  };
}

/** Whether it is a file, or a device that is written to like one. */
function isFile(fd: number): boolean {
  const found = fstatSync(fd);
  return !found.isFIFO() && !found.isSocket();
}

/** A disk that is nearly full takes a part first and refuses only the rest; Node's own stream drops that without a word. */
function fileOutlet(fd: number, name: StreamName): Outlet {
  return {
    isTerminal: false,
    async write(data) {
      try {
        for (let left = Buffer.from(data); left.length > 0; ) {
          left = left.subarray(writeSync(fd, left));
        }
      } catch (error) {
        throw translate(error, name);
      }
    },
  };
}

/**
 * Node writes to a terminal on its only thread. A terminal that is held (Ctrl-S) would stop everything then, the answers to
 * the peer's pings too, and the peer would give the run up. Here the thread pool writes, and as far as the system allows it
 * through a descriptor that does not wait: the end of the program waits for the thread pool.
 */
function terminalOutlet(fd: number, name: StreamName): Outlet {
  let last: Promise<void> = Promise.resolve();
  let own: number | undefined;
  return {
    isTerminal: true,
    write(data) {
      own ??= unwaiting(fd);
      const target = own;
      const written = last.then(() => writeAll(target, Buffer.from(data as string), name));
      last = written.catch(() => {});
      return written;
    },
  };
}

/** The same terminal without waiting, for this program alone: flags of `fd` itself are shared with the shell. */
function unwaiting(fd: number): number {
  try {
    return openSync(`/dev/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    // Of another user, behind su; hung up; or not known by that name here.
    if (["EACCES", "EPERM", "EIO", "ENXIO", "ENOENT"].includes(codeOf(error))) {
      return fd;
    }
    throw error;
  }
}

/** How long a terminal that takes nothing is left alone, in milliseconds: from the least, doubling, to the most. */
const retry = { least: 1, most: 32 };

async function writeAll(fd: number, data: Buffer, name: StreamName): Promise<void> {
  let pause = retry.least;
  for (let left = data; left.length > 0; ) {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    write(fd, left, (error, bytes) => (error === null ? resolve(bytes) : reject(error)));
    try {
      left = left.subarray(await promise);
      pause = retry.least;
    } catch (error) {
      if (codeOf(error) !== "EAGAIN") {
        throw translate(error, name);
      }
      await setTimeout(pause);
      pause = Math.min(retry.most, pause * 2);
    }
  }
}

/** Errors of a pipe without a reader, and of a terminal that was closed. */
const closedCodes = ["EPIPE", "ERR_STREAM_DESTROYED", "EIO"];

function translate(error: unknown, name: StreamName): unknown {
  return closedCodes.includes(codeOf(error))
    ? new OutputClosed("the reader of the output has gone away", { cause: error })
    : new DutError("unknown", `cannot write to ${name}: ${reasonOf(error)}`, { cause: error });
}
