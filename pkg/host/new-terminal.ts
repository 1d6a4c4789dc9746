import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { errnoOf, fromErrno } from "./errno.ts";
import type { TerminalProcessSize } from "./processes.ts";

const flags = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;

/** TIOCSPTLCK of ioctl_tty(2) on x86 and ARM: a new pty is locked until its owner says otherwise. */
const unlockRequest = 0x40045431;

/** TIOCSWINSZ, there too. */
const sizeRequest = 0x5414;

/** Node has no ioctl. Each of these does one on its descriptor 3, with these bytes in memory; perl-base is part of every Debian. */
const requesters = [
  (request: number, hex: string) => [
    ...["perl", "-e"],
    `open(my $t, "+<&=", 3) or die $!; my $bytes = pack("H*", "${hex}"); ioctl($t, ${request}, $bytes) or die $!`,
  ],
  (request: number, hex: string) => ["socat", "-u", "OPEN:/dev/null", `FD:3,ioctl-bin=${request}:x${hex}`],
];

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
  await request(owner, unlockRequest, Buffer.alloc(4));
  await setModes(device, modes);
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

/**
 * Tells a terminal its size, which its programs hear of. Not by stty(1), which sets rows and columns one after the other:
 * programs would see a screen that there never was.
 */
export async function resizeTerminal(device: string, { rows, columns }: TerminalProcessSize): Promise<void> {
  const terminal = openTerminal(device);
  try {
    await request(terminal, sizeRequest, Buffer.from(Uint16Array.of(rows, columns, 0, 0).buffer));
  } finally {
    closeSync(terminal);
  }
}

async function setModes(device: string, words: readonly string[]): Promise<void> {
  if (!(await ran(["stty", "-F", device, ...words], undefined))) {
    throw new DutError("failed_precondition", "a pseudo terminal needs the program stty", {
      hint: "apt-get install coreutils",
    });
  }
}

async function request(terminal: number, code: number, bytes: Buffer): Promise<void> {
  for (const words of requesters) {
    if (await ran(words(code, bytes.toString("hex")), terminal)) {
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
