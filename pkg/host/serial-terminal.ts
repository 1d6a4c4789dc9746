import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { DutError } from "#pkg/errors/dut-error.ts";

/** Either tool answers in milliseconds; stty on a port that still has output to send waits for it. */
const toolLimitMs = 5_000;

/** Raw bytes in both directions, 8N1, no flow control; `clocal` so that no open waits for a modem's carrier. */
const lineSettings =
  "raw -echo -echoe -echok -echoctl -echoke -iexten cs8 -parenb -cstopb -crtscts -ixon -ixoff clocal cread";

/**
 * Sets speed and line mode of a terminal by stty(1). They last while somebody holds the terminal open.
 * Throws invalid_argument when the terminal or stty does not take the speed, unavailable when it does not answer.
 */
export async function configureTerminal(path: string, baud: number): Promise<void> {
  const { code, complaint } = await run("stty", ["-F", path, String(baud), ...lineSettings.split(" ")], []);
  if (code === 0) {
    return;
  }
  if (complaint.includes("invalid argument") || complaint.includes("requested operations")) {
    throw new DutError("invalid_argument", `${path} cannot run at ${baud} baud`, {
      hint: "use a standard speed such as 9600, 19200, 38400, 57600, 115200, 230400, 460800 or 921600",
      cause: new Error(complaint),
    });
  }
  throw new DutError("unavailable", `${path} does not answer: ${complaint || "stty did not end in 5 s"}`, {
    hint: "check that the port really has hardware behind it",
  });
}

/**
 * Takes the advisory lock of an open terminal, which other agents, tio, picocom and pyserial respect. flock(1) locks
 * the file description that it inherits, and that is ours: the lock lasts until the descriptor is closed.
 * Throws failed_precondition when another program has it.
 */
export async function lockTerminal(fd: number, path: string): Promise<void> {
  const { code, complaint } = await run("flock", ["-x", "-n", "3"], [fd]);
  if (code === 1) {
    throw new DutError("failed_precondition", `serial port ${path} is in use by another program`, {
      hint: `fuser -v ${path} shows which`,
    });
  }
  if (code !== 0) {
    throw new DutError("internal", `cannot lock serial port ${path}: ${complaint || "flock did not end in 5 s"}`);
  }
}

/** Runs a tool that says little; the descriptors in `lent` become its 3, 4, … */
async function run(program: string, args: readonly string[], lent: readonly number[]) {
  const child = spawn(program, args, {
    stdio: ["ignore", "ignore", "pipe", ...lent],
    env: { ...process.env, LC_ALL: "C" },
    timeout: toolLimitMs,
    killSignal: "SIGKILL",
  });
  const closed = once(child, "close").catch((error: unknown) => {
    throw new DutError("unavailable", `cannot run ${program}`, {
      hint: "install the packages coreutils and util-linux",
      cause: error,
    });
  });
  const [complaint, [code]] = await Promise.all([text(child.stderr as NodeJS.ReadableStream), closed]);
  return { code: code as number | null, complaint: complaint.trim() };
}
