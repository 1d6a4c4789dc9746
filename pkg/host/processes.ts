/** What a program is started with. The environment is the agent's own plus `env`. */
export interface ProcessOptions {
  /** A path, or a name that is searched on PATH. */
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /**
   * What the program finds on its stdin, taken as fast as it reads, and then the end of input. Default nothing. A program
   * that ends first leaves the rest where it is, less what it was handed. One whose input fails is ended as by the signal.
   */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Aborting asks the whole process group to end with `endWith`, and kills it, and its daemons, after `graceMs`. */
  readonly signal: AbortSignal;
  /** Default SIGTERM. */
  readonly endWith?: "SIGTERM" | "SIGKILL";
  /** Default 5,000 ms. */
  readonly graceMs?: number;
}

/** A program on a terminal of its own. Aborting hangs the terminal up, and kills what is left after `graceMs`. */
export interface TerminalProcessOptions extends Omit<ProcessOptions, "endWith"> {
  /** The keys that are typed: Ctrl-C is byte 3. At their end, the terminal's key for the end of input (Ctrl-D) is typed. */
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly terminal: {
    /** As in the environment variable TERM. */
    readonly type: string;
    readonly size: TerminalProcessSize;
  };
}

export interface TerminalProcessSize {
  readonly rows: number;
  readonly columns: number;
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

/** A program whose terminal this computer holds: all its output is on `stdout`; signals go to the terminal's foreground. */
export interface TerminalProcess extends HostProcess {
  /** Resolves when the programs on the terminal have been told; harmless when they are gone. */
  resize(size: TerminalProcessSize): Promise<void>;
}

export interface Processes {
  /**
   * Starts a program with what was given, or nothing, on its stdin.
   * Throws not_found when there is no such program or folder, permission_denied when it may not be run, the signal's
   * reason when it is aborted already.
   */
  start(options: ProcessOptions): Promise<HostProcess>;

  /**
   * Starts a program as the leader of a terminal with line editing, echo and job control, as a login shell has it.
   * Throws as `start`, failed_precondition when a program that this needs is missing, resource_exhausted when the system
   * has no terminal left.
   */
  startOnTerminal(options: TerminalProcessOptions): Promise<TerminalProcess>;

  /** The path of a program, searched on PATH when it is a bare name; undefined when there is none. */
  find(program: string): Promise<string | undefined>;
}
