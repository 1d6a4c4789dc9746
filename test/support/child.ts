import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ChildOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A program of the test's own, with what it has said. Disposing kills it if it still runs. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";
  readonly #news = new EventEmitter<{ news: [] }>().setMaxListeners(0);
  #over = false;

  constructor([program = "", ...args]: readonly string[], { cwd, env }: ChildOptions) {
    this.process = spawn(program, args, { cwd, env: { ...env } });
    // A program may well end before it has taken its input.
    this.process.stdin.on("error", () => {});
    for (const stream of ["stdout", "stderr"] as const) {
      this.process[stream].setEncoding("utf8").on("data", (text: string) => {
        this[stream] += text;
        this.#news.emit("news");
      });
    }
    this.ended = once(this.process, "close").then(([code]) => {
      this.#over = true;
      this.#news.emit("news");
      return { code, stdout: this.stdout, stderr: this.stderr };
    });
  }

  /** Resolves with the match as soon as what was said so far has one; rejects when the program ends without. */
  said(stream: "stdout" | "stderr", pattern: RegExp): Promise<RegExpExecArray> {
    return this.shown(() => pattern.exec(this[stream]) ?? undefined, `${stream} has no ${pattern}`);
  }

  /**
   * Looks at it whenever it has said something until there is something to be found; rejects with `otherwise` when the
   * program ends before.
   */
  async shown<T>(look: () => T | undefined, otherwise: string): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) {
        return found;
      }
      if (this.#over) {
        throw new Error(`the program ended and ${otherwise}: ${this.stdout}${this.stderr}`);
      }
      await once(this.#news, "news");
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Stops it in its tracks (SIGSTOP) until the disposal, as a computer does that has no time for it. */
  frozen(): Disposable {
    this.kill("SIGSTOP");
    return { [Symbol.dispose]: () => this.kill("SIGCONT") };
  }

  /** Ends it by SIGTERM, as a service manager does. */
  stop(): Promise<Ended> {
    this.kill("SIGTERM");
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.ended;
  }
}
