import { closeSync, constants, openSync, writeSync } from "node:fs";
import { isatty } from "node:tty";
import type { Outlet } from "../world.ts";
import { Footer } from "./footer.ts";
import type { Guard, Terminal, TerminalSize } from "./terminal.ts";

type Screen = NodeJS.Process["stdout"] | NodeJS.Process["stderr"];

/** For a terminal that does not say how large it is, such as a fresh pty. */
const usualSize: TerminalSize = { rows: 24, columns: 80 };

/** The terminal on the streams of a process, of which stdout or stderr is one. */
export class ProcessTerminal implements Terminal {
  readonly hasKeyboard: boolean;
  readonly footer: Footer;
  readonly #process: NodeJS.Process;
  readonly #screen: Screen;
  readonly #guards = new Set<Guard>();
  readonly #resumed = new Set<() => void>();
  #isRaw = false;
  #watches = false;

  /** `outletOf` gives the bare outlet of a stream. */
  constructor(process: NodeJS.Process, outletOf: (stream: Screen) => Outlet) {
    this.#process = process;
    this.hasKeyboard = process.stdout.isTTY && isatty(0);
    this.#screen = process.stdout.isTTY ? process.stdout : process.stderr;
    this.footer = new Footer(
      outletOf(process.stderr.isTTY ? process.stderr : process.stdout),
      () => this.size().columns,
    );
    this.guard(this.footer.guard);
  }

  get type(): string {
    return this.#process.env.TERM ?? "dumb";
  }

  size(): TerminalSize {
    const { rows, columns } = this.#screen;
    return { rows: rows || usualSize.rows, columns: columns || usualSize.columns };
  }

  onResize(listener: (size: TerminalSize) => void): Disposable {
    const tell = () => listener(this.size());
    this.#screen.on("resize", tell);
    this.#resumed.add(tell);
    return {
      [Symbol.dispose]: () => {
        this.#screen.off("resize", tell);
        this.#resumed.delete(tell);
      },
    };
  }

  raw(on: boolean): void {
    this.#watch();
    this.#isRaw = on;
    this.#process.stdin.setRawMode(on);
    if (on) {
      // Node leaves the terminal returning the carriage at every line feed, which tears what full-screen programs
      // draw. Where there is no stty it stays like that. Leaving raw mode brings back every setting as it was found.
      // Loaded here: most commands never need it, and it takes a while.
      const { spawnSync } = this.#process.getBuiltinModule("node:child_process");
      spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
    }
  }

  /** What is written as text, with the carriage returned where the terminal does not do it. */
  outlet(outlet: Outlet): Outlet {
    const shared = this.footer.outlet(outlet);
    return {
      isTerminal: true,
      write: (data) =>
        shared.write(typeof data === "string" && this.#isRaw ? data.replace(/(?<!\r)\n/g, "\r\n") : data),
    };
  }

  guard(guard: Guard): Disposable {
    this.#guards.add(guard);
    if (this.#guards.size > 1) {
      this.#watch();
    }
    return { [Symbol.dispose]: () => this.#guards.delete(guard) };
  }

  /**
   * Puts the terminal back for good and says a last line, without waiting for a terminal that is held or gone. The line
   * is begun anew also behind what the terminal echoes of the key that has led to it.
   */
  lastWord(line: string, { echoed }: { readonly echoed: boolean }): void {
    const isFresh = this.footer.isAtLineStart && !echoed;
    this.#leaveForGood();
    this.#writeNow(`${isFresh ? "" : "\n"}${line}\n`);
  }

  /** From the first change to the terminal on, every way out of the program is looked after. */
  #watch(): void {
    if (this.#watches) {
      return;
    }
    this.#watches = true;
    this.#process.on("uncaughtExceptionMonitor", () => this.#leaveForGood());
    this.#process.on("exit", () => this.#leaveForGood());
    this.#process.on("SIGTSTP", this.#suspend);
    this.#process.on("SIGCONT", () => this.#resume());
  }

  #leave(): void {
    this.#writeNow([...this.#guards].map((guard) => guard.leave()).join(""));
    if (this.#isRaw) {
      this.#process.stdin.setRawMode(false);
    }
  }

  #leaveForGood(): void {
    this.#leave();
    this.#guards.clear();
    this.#isRaw = false;
  }

  #resume(): void {
    if (this.#isRaw) {
      this.#process.stdin.setRawMode(false);
      this.raw(true);
    }
    this.#writeNow([...this.#guards].map((guard) => guard.resume()).join(""));
    for (const tell of this.#resumed) {
      tell();
    }
  }

  /** Stops as it would without us, but with the terminal put back first. */
  readonly #suspend = (): void => {
    this.#leave();
    this.#process.off("SIGTSTP", this.#suspend);
    this.#process.kill(this.#process.pid, "SIGTSTP");
    // The program has been continued, or could not be stopped because no shell looks after it.
    this.#process.on("SIGTSTP", this.#suspend);
    this.#resume();
  };

  /** Writes past everything that waits, and gives up rather than wait for a terminal that is held or gone. */
  #writeNow(text: string): void {
    if (text === "") {
      return;
    }
    const { fd } = this.#screen;
    try {
      const again = openSync(`/dev/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
      try {
        writeSync(again, text);
      } finally {
        closeSync(again);
      }
    } catch (error) {
      if (!unreachable.includes((error as NodeJS.ErrnoException).code ?? "")) {
        throw error;
      }
    }
  }
}

/** Held; hung up; closed; of another user; not known by that name on this system. */
const unreachable = ["EAGAIN", "EIO", "ENXIO", "EBADF", "EACCES", "EPERM", "ENOENT"];
