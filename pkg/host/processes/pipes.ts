import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import { fromErrno } from "../errno.ts";
import { openAnonymousPipe } from "./anonymous-pipe.ts";

/** One side of a program's pipes, as file descriptors. */
export interface Ends {
  readonly stdout: number;
  readonly stderr: number;
  /** Undefined when the program gets nothing on its stdin. */
  readonly stdin: number | undefined;
}

/** The pipes of a program that is to be started. Disposing closes the program's ends; whoever calls openPipes closes ours. */
export interface Pipes extends Disposable {
  /** Non-blocking. */
  readonly ours: Ends;
  readonly programs: Ends;
}

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;

/**
 * Opens two or three pipes of the kernel. What Node itself gives a child is a socket, and there
 * `echo error >/dev/stderr` fails with "No such device or address". So each output is a named pipe that is opened at both
 * ends and unlinked at once.
 */
export async function openPipes(withStdin: boolean): Promise<Pipes> {
  const opened: number[] = [];
  const open = (path: string, flags: number) => {
    const descriptor = openSync(path, flags);
    opened.push(descriptor);
    return descriptor;
  };
  try {
    const input = withStdin ? await openAnonymousPipe() : undefined;
    opened.push(...(input === undefined ? [] : [input.readEnd, input.writeEnd]));
    await using folder = await mkdtempDisposable(join(tmpdir(), "dut-pipes-"));
    const stdout = join(folder.path, "stdout");
    const stderr = join(folder.path, "stderr");
    await makeNamedPipes([stdout, stderr]);
    // The reader comes first and waits for nobody; then the writer does not have to wait for a reader.
    const ourOutputs = { stdout: open(stdout, O_RDONLY | O_NONBLOCK), stderr: open(stderr, O_RDONLY | O_NONBLOCK) };
    const programOutputs = { stdout: open(stdout, O_WRONLY), stderr: open(stderr, O_WRONLY) };
    const programs = { ...programOutputs, stdin: input?.readEnd };
    return {
      ours: { ...ourOutputs, stdin: input?.writeEnd },
      programs,
      [Symbol.dispose]: () => closeEnds(programs),
    };
  } catch (error) {
    opened.forEach(closeSync);
    throw fromErrno(error, `make a pipe in ${tmpdir()}`, { hint: "TMPDIR must name a folder that can be written to" });
  }
}

export function closeEnds({ stdin, stdout, stderr }: Ends): void {
  for (const descriptor of [stdin, stdout, stderr]) {
    if (descriptor !== undefined) {
      closeSync(descriptor);
    }
  }
}

async function makeNamedPipes(paths: readonly string[]): Promise<void> {
  const [code] = await once(spawn("mkfifo", ["-m", "600", ...paths], { stdio: "ignore" }), "exit");
  if (code !== 0) {
    throw new DutError("unavailable", `mkfifo ${paths.join(" ")} failed with status ${code}`);
  }
}
