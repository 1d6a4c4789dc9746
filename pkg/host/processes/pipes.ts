import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import { fromErrno } from "../errno.ts";

/** The two outputs of a program that is to be started, as file descriptors. Disposing closes the program's ends. */
export interface Pipes extends Disposable {
  /** Non-blocking; whoever calls openPipes closes them. */
  readonly readEnds: readonly [stdout: number, stderr: number];
  readonly writeEnds: readonly [stdout: number, stderr: number];
}

/**
 * Opens two pipes of the kernel. What Node itself gives a child is a socket, and there `echo error >/dev/stderr` fails
 * with "No such device or address". So each is a named pipe that is opened at both ends and unlinked at once.
 */
export async function openPipes(): Promise<Pipes> {
  const opened: number[] = [];
  const open = (path: string, flags: number) => {
    const descriptor = openSync(path, flags);
    opened.push(descriptor);
    return descriptor;
  };
  try {
    await using folder = await mkdtempDisposable(join(tmpdir(), "dut-pipes-"));
    const paths = [join(folder.path, "stdout"), join(folder.path, "stderr")] as const;
    await makeNamedPipes(paths);
    // The reader comes first and waits for nobody; then the writer does not have to wait for a reader.
    const readFlags = constants.O_RDONLY | constants.O_NONBLOCK;
    const readEnds = [open(paths[0], readFlags), open(paths[1], readFlags)] as const;
    const writeEnds = [open(paths[0], constants.O_WRONLY), open(paths[1], constants.O_WRONLY)] as const;
    return { readEnds, writeEnds, [Symbol.dispose]: () => writeEnds.forEach(closeSync) };
  } catch (error) {
    opened.forEach(closeSync);
    throw fromErrno(error, `make a pipe in ${tmpdir()}`, { hint: "TMPDIR must name a folder that can be written to" });
  }
}

async function makeNamedPipes(paths: readonly string[]): Promise<void> {
  const [code] = await once(spawn("mkfifo", ["-m", "600", ...paths], { stdio: "ignore" }), "exit");
  if (code !== 0) {
    throw new DutError("unavailable", `mkfifo ${paths.join(" ")} failed with status ${code}`);
  }
}
