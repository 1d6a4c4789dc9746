import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import type { ExitStatus, HostProcess } from "../processes.ts";
import { groupGone, signalGroup } from "./group.ts";
import { killMarked } from "./mark.ts";
import { Output } from "./output.ts";
import { within } from "./within.ts";

const defaultGraceMs = 5000;

/** How long the readers of a program that was ended have for what it said last. */
const lastWordsMs = 1000;

/** A program that was started, and our ends of what it is connected to. */
export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What the environment of the program and of its descendants carries. */
  readonly mark: string;
  readonly stdout: Socket;
  /** Undefined when all its output is on one way. */
  readonly stderr: Socket | undefined;
  /** Destroyed at the program's end. */
  readonly stdin: Socket | undefined;
  /** The group that is sent the signals of `kill`. */
  readonly foreground: () => number;
}

interface Ending {
  readonly signal: AbortSignal;
  /** Default SIGTERM. */
  readonly endWith?: "SIGTERM" | "SIGKILL" | "SIGHUP" | undefined;
  readonly graceMs?: number | undefined;
}

/** Runs by itself; somebody wants it gone and it was asked or killed; there is nothing left of it. */
type State = "running" | "asked" | "killed" | "over";

/** A program that was started as the leader of a session and process group of its own. */
export class RunningProcess implements HostProcess {
  readonly pid: number;
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  readonly exited: Promise<ExitStatus>;
  readonly #mark: string;
  readonly #outputs: readonly Output[];
  readonly #foreground: () => number;
  readonly #leader: Promise<ExitStatus>;
  readonly #endWanted = Promise.withResolvers<void>();
  #state: State = "running";

  constructor({ child, pid, mark, stdout, stderr, stdin, foreground }: Started, ending: Ending) {
    this.pid = pid;
    this.#mark = mark;
    this.#foreground = foreground;
    const output = (socket: Socket) => {
      const made: Output = new Output(socket, (times) => this.#heldOpen(made, times));
      return made;
    };
    const first = output(stdout);
    const second = stderr && output(stderr);
    this.#outputs = second === undefined ? [first] : [first, second];
    this.stdout = first;
    this.stderr = second ?? nothing();
    this.#leader = once(child, "exit").then(([code, signal]) => {
      stdin?.destroy();
      for (const output of this.#outputs) {
        output.programEnded();
      }
      return signal === null ? { kind: "exited", code } : { kind: "killed", signal };
    });
    this.exited = this.#toTheEnd(ending);
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#state !== "over") {
      signalGroup(this.#foreground(), signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end("killed", "SIGKILL");
    this.#abandonOutputs();
    await this.exited;
  }

  async #toTheEnd({ signal, endWith = "SIGTERM", graceMs = defaultGraceMs }: Ending): Promise<ExitStatus> {
    const abort = () => this.#end(endWith === "SIGKILL" ? "killed" : "asked", endWith);
    signal.addEventListener("abort", abort);
    if (signal.aborted) {
      abort();
    }
    await Promise.race([this.#leader.then(() => this.#outputsOver()), this.#endWanted.promise]);
    if (this.#state !== "running") {
      await this.#ended(graceMs);
    }
    this.#state = "over";
    signal.removeEventListener("abort", abort);
    return await this.#leader;
  }

  /** May be called again, with more force. */
  #end(state: "asked" | "killed", signal: NodeJS.Signals): void {
    if (this.#state !== "over") {
      this.#state = state;
      signalGroup(this.pid, signal);
      if (signal === "SIGHUP") {
        // As at a real hang-up: what is stopped could not follow it otherwise.
        signalGroup(this.pid, "SIGCONT");
      }
      this.#endWanted.resolve();
    }
  }

  /** Sees to the end of a group that was sent its signal: grace, kill, daemons, last words. */
  async #ended(graceMs: number): Promise<void> {
    if (this.#state === "asked") {
      await groupGone(this.pid, graceMs);
    }
    signalGroup(this.pid, "SIGKILL");
    await this.#leader;
    await killMarked(this.#mark);
    await within(lastWordsMs, this.#outputsOver());
    this.#abandonOutputs();
  }

  /** The program has ended and left something that has its output open: the group is killed first, then it was a daemon. */
  #heldOpen(output: Output, times: number): void {
    if (this.#state === "running" && times === 1) {
      signalGroup(this.pid, "SIGKILL");
    } else if (this.#state === "running" || this.#state === "over") {
      output.abandon();
    }
  }

  async #outputsOver(): Promise<void> {
    await Promise.all(this.#outputs.map(({ over }) => over));
  }

  #abandonOutputs(): void {
    for (const output of this.#outputs) {
      output.abandon();
    }
  }
}

async function* nothing(): AsyncGenerator<never, void, void> {}
