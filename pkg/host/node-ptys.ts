import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { ReadStream } from "node:tty";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { errnoOf, fromErrno } from "./errno.ts";
import type { Pty, Ptys } from "./ptys.ts";

const flags = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;

/** TIOCSPTLCK of ioctl_tty(2) on x86 and ARM: a new pty is locked until its owner says otherwise. */
const unlockRequest = 0x40045431;

/** Pseudo terminals of Linux. Node has no ioctl, so socat does the one that is needed and stty sets the raw mode. */
export function nodePtys(): Ptys {
  return {
    async open() {
      await using undo = new AsyncDisposableStack();
      const owner = undo.adopt(openTerminal("/dev/ptmx"), closeSync);
      const device = `/dev/pts/${terminalIndex(owner)}`;
      await run("socat", ["-u", "OPEN:/dev/null", `FD:3,ioctl-intp=${unlockRequest}:0`], owner);
      await run("stty", ["-F", device, "raw", "-echo"], owner);
      // While one descriptor of the device is open, programs may come and go without a hang-up.
      const held = undo.adopt(openTerminal(device), closeSync);
      undo.move();
      return new NodePty(device, owner, held);
    },
  };
}

class NodePty implements Pty {
  readonly device: string;
  readonly #owner: number;
  readonly #held: number;
  readonly #stream: ReadStream;
  readonly #scratch = new Uint8Array(4096);
  #state: "open" | "closed" = "open";

  constructor(device: string, owner: number, held: number) {
    this.device = device;
    this.#owner = owner;
    this.#held = held;
    this.#stream = new ReadStream(owner);
  }

  get received(): AsyncIterable<Uint8Array> {
    return untilClosed(this.#stream);
  }

  write(bytes: Uint8Array): number {
    return this.#now(() => writeSync(this.#owner, bytes));
  }

  takeBack(): number {
    return this.#now(() => readSync(this.#held, this.#scratch));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === "open") {
      this.#state = "closed";
      closeSync(this.#held);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#stream.once("close", () => resolve());
      this.#stream.destroy();
      await promise;
    }
  }

  #now(transfer: () => number): number {
    if (this.#state === "closed") {
      return 0;
    }
    try {
      return transfer();
    } catch (error) {
      if (errnoOf(error) === "EAGAIN") {
        return 0;
      }
      throw error;
    }
  }
}

async function* untilClosed(stream: ReadStream): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    if (errnoOf(error) !== "ERR_STREAM_PREMATURE_CLOSE") {
      throw error;
    }
  }
}

function openTerminal(path: string): number {
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

function terminalIndex(owner: number): string {
  const [, index] = /^tty-index:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${owner}`, "utf8")) ?? [];
  if (index === undefined) {
    throw new DutError("unimplemented", "this system does not tell the name of a new pseudo terminal", {
      hint: "pseudo terminals need Linux 4.12 or later with /proc mounted",
    });
  }
  return index;
}

/** Runs a program to its end with a terminal as its descriptor 3. */
async function run(program: string, args: readonly string[], terminal: number): Promise<void> {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe", terminal] });
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-1000);
  });
  const [code] = await once(child, "close").catch((error: unknown) => {
    const hint = program === "socat" ? "apt-get install socat" : `install ${program}`;
    throw new DutError("failed_precondition", `a pseudo terminal needs the program ${program}: ${messageOf(error)}`, {
      hint,
      cause: error,
    });
  });
  if (code !== 0) {
    throw new DutError(
      "internal",
      `${program} could not prepare a pseudo terminal: ${said.trim() || `status ${code}`}`,
    );
  }
}
