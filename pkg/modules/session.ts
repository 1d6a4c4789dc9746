/**
 * A module's conversation with whoever runs the command. Every call resolves when the message has been taken, so a
 * client that does not read slows its own run down; every call rejects with the reason once the run is over. Bytes that
 * were handed over are kept for a client that comes back: they must not be changed afterwards.
 */
export interface Session {
  /** Text for the user, as it is: no newline is added. */
  print(text: string): Promise<void>;
  stdout(bytes: Uint8Array): Promise<void>;
  stderr(bytes: Uint8Array): Promise<void>;
  /** How far the work is. A client that cannot show it hears nothing of it. */
  progress(progress: Progress): Promise<void>;
  /** What the user types, in pieces of any size; ends at the end of input. One reader at a time; `break` loses nothing but the piece at hand. */
  readonly stdin: AsyncIterable<Uint8Array>;
  /** The user's terminal; undefined when there is none, or the client cannot say. */
  readonly terminal: Terminal | undefined;
  /**
   * From now until it is disposed every key reaches `stdin` as it is typed, Ctrl-C too, and the user's terminal echoes
   * nothing. Throws failed_precondition when the user has no terminal.
   */
  rawMode(): Promise<AsyncDisposable>;
  /** Told the signals, such as SIGQUIT, that the user sends to what runs, until disposed. */
  onSignal(listener: (name: NodeJS.Signals) => void): Disposable;
  /**
   * Asks the client for a file by the name that the user knows it under. Resolves when the first of it has come. Ends the
   * run if the client does not have it.
   */
  requestFile(name: string): Promise<ReceivedFile>;
  /** Hands the client a file under a name. Rejects with what iterating the content throws. */
  sendFile(name: string, content: AsyncIterable<Uint8Array>, attributes?: FileAttributes): Promise<void>;
}

export interface Progress {
  readonly done: number;
  /** Undefined when it is not known. */
  readonly total: number | undefined;
  readonly unit: "bytes" | "percent" | (string & {});
  /** What is being done: one or two words. */
  readonly label: string;
}

export interface Terminal {
  /** As in the environment variable TERM. */
  readonly type: string;
  /** As it is now. */
  readonly size: TerminalSize;
  /** Told every new size, until disposed. */
  onResize(listener: (size: TerminalSize) => void): Disposable;
}

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** What is known of a file besides its content. */
export interface FileAttributes {
  /** In bytes. */
  readonly size?: number | undefined;
  /** Permission bits. */
  readonly mode?: number | undefined;
}

/** A file on its way from the client. Iterating throws data_loss at the end when the content is not what was sent. */
export interface ReceivedFile extends AsyncIterable<Uint8Array> {
  readonly attributes: FileAttributes;
}
