import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { ExitStatus, HostProcess, ProcessOptions } from "../processes.ts";
import { groupGone, signalGroup } from "./group.ts";
import { killMarked } from "./mark.ts";
import { Output } from "./output.ts";
import { within } from "./within.ts";

const defaultGraceMs = 5000;

/** How long the readers of a program that was ended have for what it said last. */
const lastWordsMs = 1000;

interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What the environment of the program and of its descendants carries. */
  readonly mark: string;
  /** The descriptors of the pipes' read ends. */
  readonly outputs: readonly [stdout: number, stderr: number];
}

/** Runs by itself; somebody wants it gone and it was asked or killed; there is nothing left of it. */
type State = "running" | "asked" | "killed" | "over";

/** A program that was started as the leader of a session and process group of its own. */
export class RunningProcess implements HostProcess {
  readonly pid: number;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly exited: Promise<ExitStatus>;
  readonly #mark: string;
  readonly #leader: Promise<ExitStatus>;
  readonly #endWanted = Promise.withResolvers<void>();
  #state: State = "running";

  constructor({ child, pid, mark, outputs: [stdout, stderr] }: Started, options: ProcessOptions) {
    this.pid = pid;
    this.stdout = new Output(stdout, (times) => this.#heldOpen(this.stdout, times));
    this.stderr = new Output(stderr, (times) => this.#heldOpen(this.stderr, times));
    this.#mark = mark;
    this.#leader = once(child, "exit").then(([code, signal]) => {
      this.stdout.programEnded();
      this.stderr.programEnded();
      return signal === null ? { kind: "exited", code } : { kind: "killed", signal };
    });
    this.exited = this.#toTheEnd(options);
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#state !== "over") {
      signalGroup(this.pid, signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end("killed", "SIGKILL");
    this.#abandonOutputs();
    await this.exited;
  }

  async #toTheEnd({ signal, endWith = "SIGTERM", graceMs = defaultGraceMs }: ProcessOptions): Promise<ExitStatus> {
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
    await Promise.all([this.stdout.over, this.stderr.over]);
  }

  #abandonOutputs(): void {
    this.stdout.abandon();
    this.stderr.abandon();
  }
}
