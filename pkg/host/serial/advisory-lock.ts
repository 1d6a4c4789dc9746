import { readFile, stat } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { errnoOf } from "../errno.ts";
import { runSmallTool } from "./small-tool.ts";

/** Where Linux shows every lock: `1: FLOCK  ADVISORY  WRITE 27545 00:1a:4 0 EOF` (proc_locks(5)). */
const locksFile = "/proc/locks";

/** Agents look four times a second, and close what has nothing left to send at once. */
const leavingMs = 2_000;
const lookAgainMs = 20;

/**
 * Takes the advisory lock of an open terminal, which other agents, tio, picocom and pyserial respect. flock(1) locks
 * the file description that it inherits, and that is ours: the lock lasts until it is given back or the descriptor is
 * closed. Throws failed_precondition when another program has it.
 */
export async function lockTerminal(fd: number, path: string): Promise<void> {
  const { code, complaint } = await runSmallTool("flock", ["-x", "-n", "3"], [fd]);
  if (code === 1) {
    throw lockedElsewhere(path);
  }
  if (code !== 0) {
    throw new DutError("internal", `cannot lock serial port ${path}: ${complaint || "flock did not end in 5 s"}`);
  }
}

/** Gives the lock back. */
export async function unlockTerminal(fd: number, path: string): Promise<void> {
  const { code, complaint } = await runSmallTool("flock", ["-u", "3"], [fd]);
  if (code !== 0) {
    throw new DutError("internal", `cannot unlock serial port ${path}: ${complaint || "flock did not end in 5 s"}`);
  }
}

/**
 * Whether some program has the advisory lock of a file; undefined when the kernel does not tell, as in a sandbox without
 * /proc/locks. Costs a read of that file.
 */
export async function isLocked(path: string): Promise<boolean | undefined> {
  return await hasLock(path, "FLOCK");
}

/**
 * Takes the lock that only agents know (an open file description lock, fcntl(2)), so that of several that record a
 * port one reads it: programs that ask for the other lock are not kept away by it. It lasts until the descriptor is
 * closed. Throws failed_precondition when another agent has it.
 */
export async function lockForRecording(fd: number, path: string): Promise<void> {
  const { code, complaint } = await runSmallTool("perl", ["-MErrno", "-e", recordingLock], [fd]);
  if (code === 1) {
    throw recordedElsewhere(path);
  }
  if (code !== 0) {
    throw new DutError("internal", `cannot lock serial port ${path}: ${complaint || "perl did not end in 5 s"}`);
  }
}

/** Throws as `lockForRecording`, without opening the port: an open raises DTR and RTS, whoever has lowered them. */
export async function refuseRecorded(path: string): Promise<void> {
  if (await hasLock(path, "OFDLCK")) {
    throw recordedElsewhere(path);
  }
}

/** F_OFD_SETLK, and a struct flock with F_WRLCK for the whole file, as on amd64 and arm64 (asm-generic/fcntl.h). */
const recordingLock = `
open(my $port, "+<&=", 3) or die "$!\\n";
my $lock = pack("s s x4 q q i x4", 1, 0, 0, 0, 0);
exit 0 if fcntl($port, 37, $lock);
exit 1 if $!{EAGAIN} || $!{EACCES};
print STDERR "$!\\n";
exit 2;
`;

/** Waits until no other agent records a port, but not longer than it takes one to see that the port is wanted and to close it. */
export async function recordingEnds(path: string): Promise<void> {
  const late = performance.now() + leavingMs;
  while ((await hasLock(path, "OFDLCK")) && performance.now() < late) {
    await setTimeout(lookAgainMs);
  }
}

async function hasLock(path: string, kind: "FLOCK" | "OFDLCK"): Promise<boolean | undefined> {
  try {
    const [{ dev, ino }, locks] = await Promise.all([stat(path, { bigint: true }), readFile(locksFile, "latin1")]);
    const file = ` ${hexadecimal(major(dev))}:${hexadecimal(minor(dev))}:${ino} `;
    return locks.split("\n").some((line) => line.includes(` ${kind} `) && line.includes(file));
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT" || code === "EACCES") {
      return undefined;
    }
    throw error;
  }
}

/** What is said of a port whose lock another program has. */
export function lockedElsewhere(path: string): DutError {
  return new DutError("failed_precondition", `serial port ${path} is in use by another program`, {
    hint: `fuser -v ${path} shows which`,
  });
}

function recordedElsewhere(path: string): DutError {
  return new DutError("failed_precondition", `serial port ${path} is recorded by another agent`, {
    hint: `fuser -v ${path} shows which; a run that types takes the port over`,
  });
}

function hexadecimal(number: bigint): string {
  return number.toString(16).padStart(2, "0");
}

/** As the C library takes a dev_t apart (makedev(3)). */
function major(dev: bigint): bigint {
  return ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
}

function minor(dev: bigint): bigint {
  return (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
}
