import type { Terminal } from "./terminal/terminal.ts";

/** Where text and bytes leave the program. */
export interface Outlet {
  readonly isTerminal: boolean;
  /** Resolves when the operating system has taken everything, so a reader that is slow slows the writer down. */
  write(data: string | Uint8Array): Promise<void>;
}

/** Passed on to a run that is there to take them; without one they end the program as they do every other. */
export type ForwardedSignal = "SIGQUIT" | "SIGUSR2";

/** Everything outside that the client sees and touches, so that it can be run inside another program. */
export interface World {
  /** What is typed or piped in. Asked for once, and only by a run. */
  stdin(): AsyncIterable<Uint8Array>;
  readonly stdout: Outlet;
  readonly stderr: Outlet;
  /** Undefined when neither stdout nor stderr is a terminal. */
  readonly terminal?: Terminal | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative paths of transferred files start. */
  readonly directory: string;
  /** Throws when it cannot be told. */
  hostname(): string;
  /** The name of the account that the program runs as. Throws when it has none. */
  userName(): string;
  now(): Date;
  /** Such as `node26.10.0`. */
  readonly runtime: string;
  /** Told the signals that are meant for what runs at the device, not for this program, until disposed. */
  onSignal?(listener: (name: ForwardedSignal) => void): Disposable;
  /** Aborted when the user wants to stop. */
  readonly signal: AbortSignal;
}
