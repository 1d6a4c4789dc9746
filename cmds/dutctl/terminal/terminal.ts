import type { Footer } from "./footer.ts";

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** What puts a terminal back although nobody could be asked, because the program ends or is suspended. */
export interface Guard {
  /** The bytes that undo what was done to the terminal. Nothing else is written behind them. */
  leave(): string;
  /** The bytes that do it again, for a program that was suspended. */
  resume(): string;
}

/** The terminal that the user sits at. */
export interface Terminal {
  /** As in the environment variable TERM. */
  readonly type: string;
  /** Whether keys can be had one by one: stdin and stdout are both a terminal. */
  readonly hasKeyboard: boolean;
  /** The lines that stay below everything that is written. */
  readonly footer: Footer;
  size(): TerminalSize;
  /** Told every new size until disposed. Also told when the program goes on after it was suspended. */
  onResize(listener: (size: TerminalSize) => void): Disposable;
  /** Every key as it is pressed, without echo and without a meaning, and output as it is; or as it was found. */
  raw(on: boolean): void;
  /** The guard is asked on every way out of the program until it is disposed. */
  guard(guard: Guard): Disposable;
}
