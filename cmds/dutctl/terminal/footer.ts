import type { Outlet } from "../world.ts";
import { displayWidth } from "./display-width.ts";
import type { Guard } from "./terminal.ts";

/**
 * Lines that stay below everything else on a terminal: bars, spinners, a table that is redrawn. Whatever else goes to
 * the terminal has to go through `outlet`, so that the lines are taken away before it and drawn again behind it. Nothing
 * is drawn while the cursor stands in the middle of a line, such as behind a prompt.
 */
export class Footer {
  readonly #outlet: Outlet;
  readonly #columns: () => number;
  #lines: readonly string[] = [];
  #drawn: readonly string[] = [];
  #atLineStart = true;
  #last: Promise<void> = Promise.resolve();
  #redrawWaits = false;

  constructor(outlet: Outlet, columns: () => number) {
    this.#outlet = outlet;
    this.#columns = columns;
  }

  /** Whether the cursor stands at the beginning of a line, as far as what was written tells. */
  get isAtLineStart(): boolean {
    return this.#atLineStart;
  }

  /** Puts the lines in the place of those that stand there. Resolves when they are drawn, and never rejects. */
  show(lines: readonly string[]): Promise<void> {
    this.#lines = lines;
    if (!this.#redrawWaits) {
      this.#redrawWaits = true;
      this.#last = this.#last.then(() => this.#redraw());
    }
    return this.#last;
  }

  /** Lets the lines that were drawn last stand for good. */
  keep(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#drawn.length > 0) {
        this.#drawn = [];
        this.#lines = [];
        await this.#outlet.write("\r\n");
      }
    }).catch(() => {});
  }

  /** Ends the line that the cursor is in the middle of. */
  freshLine(): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#atLineStart) {
        this.#atLineStart = true;
        await this.#outlet.write("\r\n");
      }
    }).catch(() => {});
  }

  /** Another outlet of the same terminal. Its writes and those of its sisters happen in the order they were asked for. */
  outlet(outlet: Outlet): Outlet {
    return {
      isTerminal: outlet.isTerminal,
      write: (data) => this.#inTurn(() => outlet.write(this.#around(data))),
    };
  }

  /** What a terminal asks when the program is left or suspended with lines on it. */
  readonly guard: Guard = {
    leave: () => this.#erased(),
    resume: () => {
      this.#atLineStart = true;
      return this.#erased() + this.#drawing();
    },
  };

  #inTurn(write: () => Promise<void>): Promise<void> {
    const written = this.#last.then(write);
    this.#last = written.catch(() => {});
    return written;
  }

  async #redraw(): Promise<void> {
    this.#redrawWaits = false;
    if (this.#lines.join("\n") === this.#drawn.join("\n")) {
      return;
    }
    const change = this.#erased() + this.#drawing();
    if (change !== "") {
      // Who writes something that matters learns that the terminal has gone.
      await this.#outlet.write(change).catch(() => {});
    }
  }

  #around(data: string | Uint8Array): string | Uint8Array {
    const before = this.#erased();
    if (data.length > 0) {
      const last = data.at(-1);
      this.#atLineStart = last === "\n" || last === 0x0a;
    }
    const after = this.#drawing();
    return before === "" && after === "" ? data : Buffer.concat([before, data, after].map((part) => Buffer.from(part)));
  }

  /** The bytes that take the lines away. A terminal that was made narrower has broken them into several. */
  #erased(): string {
    const columns = Math.max(1, this.#columns());
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(displayWidth(line) / columns)), 0);
    this.#drawn = [];
    return rows === 0 ? "" : `\r${rows > 1 ? `\x1b[${rows - 1}A` : ""}\x1b[J`;
  }

  #drawing(): string {
    if (this.#lines.length === 0 || !this.#atLineStart) {
      return "";
    }
    this.#drawn = this.#lines;
    return this.#lines.join("\r\n");
  }
}
