/** What a program is started with. The environment is the agent's own plus `env`. */
export interface ProcessOptions {
  /** A path, or a name that is searched on PATH. */
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Aborting asks the whole process group to end with `endWith`, and kills it, and its daemons, after `graceMs`. */
  readonly signal: AbortSignal;
  /** Default SIGTERM. */
  readonly endWith?: "SIGTERM" | "SIGKILL";
  /** Default 5,000 ms. */
  readonly graceMs?: number;
}

/** How a process ended: its status, or the signal that ended it. */
export type ExitStatus =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "killed"; readonly signal: NodeJS.Signals };

/** A running program, leader of its own process group. Disposing kills the group and waits until the leader is gone. */
export interface HostProcess extends AsyncDisposable {
  readonly pid: number;
  /** To be read to the end; each may be iterated once. A reader that stops closes the pipe. */
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  /**
   * Resolves when the leader has ended and each output that is being read has met its end or was abandoned; never rejects.
   * What the leader left behind with an output open is killed a second later. What it left with both outputs closed goes
   * on, unless the process was ended by its signal or by disposing.
   */
  readonly exited: Promise<ExitStatus>;
  /** Sends a signal to the whole group; harmless when it is gone. */
  kill(signal: NodeJS.Signals): void;
}

export interface Processes {
  /**
   * Starts a program with nothing on its stdin.
   * Throws not_found when there is no such program or folder, permission_denied when it may not be run, the signal's
   * reason when it is aborted already.
   */
  start(options: ProcessOptions): Promise<HostProcess>;

  /** The path of a program, searched on PATH when it is a bare name; undefined when there is none. */
  find(program: string): Promise<string | undefined>;
}
