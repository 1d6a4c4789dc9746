import type { TerminalSize } from "./terminal.ts";

export type { TerminalSize };

/** How far a transfer or a module's work is. */
export interface ProgressReport {
  /** Reports with the same key are one bar. */
  readonly key: string;
  readonly label: string;
  readonly done: number;
  /** Undefined when it is not known. */
  readonly total: number | undefined;
  /** `bytes`, `percent` or a word of the module's. */
  readonly unit: string;
  /** The last report of its key. */
  readonly finished: boolean;
}

/** What is going on, where the user sees it: below everything else on a terminal, a line now and then elsewhere. */
export interface Status extends AsyncDisposable {
  /** A bar on a terminal, now and then a line elsewhere. Never waits, never throws. */
  progress(report: ProgressReport): void;
  /** What is being waited for, with a spinner on a terminal; undefined when the waiting is over. */
  waiting(reason: string | undefined): void;
}

/**
 * Where output comes from: `print` is text of a module for people, with line feeds alone; the others are bytes of a
 * program or a device.
 */
export type Source = "print" | "stdout" | "stderr";

/** The user's side of a run: keys and pipes in, output, bars and notes out. Disposing leaves the terminal as it was found. */
export interface UserConsole extends Status {
  /** Undefined unless stdin and stdout are both a terminal and the format is text. */
  readonly terminal: { readonly type: string; readonly size: TerminalSize } | undefined;
  /** What is piped or typed in, ending at the end of input; in raw mode every key but those of the escape. Iterated once. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Aborted with a DutError when the user leaves the console by its escape key; the terminal is in its own mode again then. */
  readonly left: AbortSignal;
  /** Whether every key has gone to the device for a while: then a sentence that is not the device's must say so. */
  readonly wasRaw: boolean;
  /** From now on every key goes to the device, or no longer. Harmless without a terminal. */
  rawMode(on: boolean): void;
  /** Told every new size of the terminal, until disposed. */
  onResize(listener: (size: TerminalSize) => void): Disposable;
  /** What a device says, filtered on a terminal. Resolves when it has left the program. Rejects as an outlet does. */
  show(source: Source, bytes: Uint8Array): Promise<void>;
}
