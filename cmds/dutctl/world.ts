/** Where text and bytes leave the program. */
export interface Outlet {
  readonly isTerminal: boolean;
  /** Resolves when the operating system has taken everything, so a reader that is slow slows the writer down. */
  write(data: string | Uint8Array): Promise<void>;
}

/** Everything outside that the client sees and touches, so that it can be run inside another program. */
export interface World {
  /** What is typed or piped in. Asked for once, and only by a run. */
  stdin(): AsyncIterable<Uint8Array>;
  readonly stdout: Outlet;
  readonly stderr: Outlet;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative paths of transferred files start. */
  readonly directory: string;
  hostname(): string;
  now(): Date;
  /** Such as `node26.10.0`. */
  readonly runtime: string;
  /** Aborted when the user wants to stop. */
  readonly signal: AbortSignal;
}
