import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync } from "node:fs";
import { createInterface } from "node:readline";
import { DutError } from "#pkg/errors/dut-error.ts";

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;

/** Says the process id of a shell that has a pipe as its descriptor 4, and keeps it until descriptor 3 ends. */
const holder = ': | { exec 4<&0; read -r pid rest </proc/self/stat && echo "$pid" && read -r nothing <&3; }';

/**
 * A pipe without a name: the end to write to is non-blocking, the caller closes both. Node makes none, so a shell does,
 * and both ends are opened through /proc. A named pipe will not do for a program's input: one that opens it as
 * /dev/stdin after its writer has gone waits for ever for another.
 */
export async function openAnonymousPipe(): Promise<{ readonly readEnd: number; readonly writeEnd: number }> {
  const shell = spawn("/bin/sh", ["-c", holder], { stdio: ["ignore", "pipe", "ignore", "pipe"] });
  const ended = once(shell, "close");
  try {
    const pid = await Promise.race([
      once(createInterface({ input: shell.stdout as NodeJS.ReadableStream }), "line"),
      ended,
    ]).then(([line]) => line);
    if (typeof pid !== "string") {
      throw new DutError("unavailable", "make a pipe: /bin/sh did not make one", { hint: "is /proc mounted?" });
    }
    const path = `/proc/${pid}/fd/4`;
    const readEnd = openSync(path, O_RDONLY);
    try {
      return { readEnd, writeEnd: openSync(path, O_WRONLY | O_NONBLOCK) };
    } catch (error) {
      closeSync(readEnd);
      throw error;
    }
  } finally {
    shell.stdio[3]?.destroy();
    await ended;
  }
}
