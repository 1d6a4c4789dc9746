import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { errnoOf, fromErrno } from "./errno.ts";

const flags = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;

/** TIOCSPTLCK of ioctl_tty(2) on x86 and ARM: a new pty is locked until its owner says otherwise. */
const unlockRequest = 0x40045431;

/** Node has no ioctl. Each of these does the one that is needed on its descriptor 3; perl-base is part of every Debian. */
const unlockers = [
  ["perl", "-e", `open(my $t, "+<&=", 3) or die $!; my $no = pack("i", 0); ioctl($t, ${unlockRequest}, $no) or die $!`],
  ["socat", "-u", "OPEN:/dev/null", `FD:3,ioctl-intp=${unlockRequest}:0`],
] as const;

/** A new pseudo terminal of Linux: the descriptor of the owner's side, to be closed by the caller, and the other side's path. */
export interface NewTerminal {
  readonly owner: number;
  readonly device: string;
}

/**
 * Makes a pseudo terminal whose other side has the modes that stty(1) is told. Throws failed_precondition when a program
 * that this needs is missing, resource_exhausted when the system has no pty left.
 */
export async function openNewTerminal(modes: readonly string[]): Promise<NewTerminal> {
  await using undo = new AsyncDisposableStack();
  const owner = undo.adopt(openTerminal("/dev/ptmx"), closeSync);
  const device = `/dev/pts/${terminalIndex(owner)}`;
  await unlock(owner);
  await setTerminal(device, modes);
  undo.move();
  return { owner, device };
}

/** Opens a side of a pseudo terminal without becoming its process; the caller closes the descriptor. */
export function openTerminal(path: string): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    if (errnoOf(error) === "ENOSPC" || errnoOf(error) === "EIO") {
      throw new DutError("resource_exhausted", "the system has no pseudo terminal left", {
        hint: "raise /proc/sys/kernel/pty/max",
        cause: error,
      });
    }
    throw fromErrno(error, `open ${path}`);
  }
}

/** Tells a terminal its modes or its size, in the words of stty(1). */
export async function setTerminal(device: string, words: readonly string[]): Promise<void> {
  if (!(await ran(["stty", "-F", device, ...words], undefined))) {
    throw new DutError("failed_precondition", "a pseudo terminal needs the program stty", {
      hint: "apt-get install coreutils",
    });
  }
}

async function unlock(owner: number): Promise<void> {
  for (const words of unlockers) {
    if (await ran(words, owner)) {
      return;
    }
  }
  throw new DutError("failed_precondition", "a pseudo terminal needs perl or socat, and this computer has neither", {
    hint: "apt-get install perl-base",
  });
}

function terminalIndex(owner: number): string {
  const [, index] = /^tty-index:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${owner}`, "utf8")) ?? [];
  if (index === undefined) {
    throw new DutError("unimplemented", "this system does not tell the name of a new pseudo terminal", {
      hint: "pseudo terminals need Linux 4.12 or later with /proc mounted",
    });
  }
  return index;
}

/** Runs a program to its end with a terminal as its descriptor 3. False when there is no such program. */
async function ran([program = "", ...args]: readonly string[], terminal: number | undefined): Promise<boolean> {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe", terminal ?? "ignore"] });
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-1000);
  });
  try {
    const [code] = await once(child, "close");
    if (code === 0) {
      return true;
    }
    throw new DutError("internal", `${program} could not prepare a terminal: ${said.trim() || `status ${code}`}`);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      return false;
    }
    throw error instanceof DutError
      ? error
      : new DutError("internal", `${program} could not prepare a terminal: ${messageOf(error)}`, { cause: error });
  }
}
