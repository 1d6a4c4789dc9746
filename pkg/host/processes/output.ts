import type { Socket } from "node:net";
import { within } from "./within.ts";

/** How long a reader waits for an output after the program's end, when something that it left behind holds the output open. */
const lingerMs = 1000;

/** The most that a pipe can be made to hold (the default of /proc/sys/fs/pipe-max-size): what comes beyond was written later. */
const largestPipeBytes = 1024 * 1024;

type State = "unread" | "reading" | "over";

/**
 * One output of a program. Nothing is read ahead but what a socket buffers (64 KiB), so a slow reader slows the program
 * down; a reader that stops closes the pipe, and the program meets SIGPIPE.
 */
export class Output implements AsyncIterable<Uint8Array> {
  readonly #socket: Socket;
  readonly #over = Promise.withResolvers<void>();
  #state: State = "unread";
  #wake: () => void = () => {};
  /** What may still come from the program itself; set by its end. */
  #leftBytes = Number.POSITIVE_INFINITY;
  #timesHeld = 0;
  readonly #heldOpen: (times: number) => void;

  /**
   * Takes over what our end of a pipe or a terminal was made into. `heldOpen` is called when something else has had the pipe open for a
   * while after the program's end, again and again, with how often it has been.
   */
  constructor(socket: Socket, heldOpen: (times: number) => void) {
    this.#heldOpen = heldOpen;
    this.#socket = socket;
    // A terminal that nothing has open any more answers EIO.
    this.#socket.on("error", () => this.abandon());
    for (const event of ["readable", "end", "close"] as const) {
      this.#socket.on(event, () => this.#wake());
    }
  }

  /** Resolves when the reader has met the end or has stopped, or the output was abandoned; at once while nobody reads. */
  get over(): Promise<void> {
    return this.#state === "unread" ? Promise.resolve() : this.#over.promise;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this.#state === "reading") {
      throw new TypeError("an output of a program can be iterated once");
    }
    if (this.#state === "unread") {
      this.#state = "reading";
    }
    return this.#pieces();
  }

  /** The program has ended: what its pipe holds is the last that it said. */
  programEnded(): void {
    this.#leftBytes = largestPipeBytes;
    this.#wake();
  }

  /** Closes the pipe; a reader meets the end. */
  abandon(): void {
    this.#state = "over";
    this.#socket.destroy();
    this.#over.resolve();
  }

  async *#pieces(): AsyncGenerator<Uint8Array, void, void> {
    try {
      while (!this.#socket.readableEnded && !this.#socket.destroyed) {
        const piece: Buffer | null = this.#socket.read();
        if (piece === null) {
          await this.#more();
          continue;
        }
        yield piece;
        this.#leftBytes -= piece.length;
        if (this.#leftBytes < 0) {
          this.#held();
        }
      }
    } finally {
      this.abandon();
    }
  }

  /** Waits until there may be something to read, or the end. */
  async #more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    if (this.#leftBytes === Number.POSITIVE_INFINITY) {
      await promise;
    } else if (!(await within(lingerMs, promise))) {
      this.#held();
    }
  }

  #held(): void {
    this.#leftBytes = largestPipeBytes;
    this.#timesHeld += 1;
    this.#heldOpen(this.#timesHeld);
  }
}
