import { DutError } from "#pkg/errors/dut-error.ts";
import { Deque } from "./deque.ts";

/** How far a client that hears of it may be ahead of what the module has read, or of what had arrived when it came, in bytes. */
export const inputWindow = 64 * 1024;

/** What is kept of input that nobody reads, in bytes: of clients of the first protocol, which know no credit, and of many that came one after another. */
const typeAheadBytes = 1024 * 1024;

/** Counted for a piece besides its bytes, so that many small ones are bounded too. */
const pieceBytes = 64;

/** Pieces are joined up to this size, in bytes: keys that nobody reads would otherwise cost many times what they are. */
const joinedBytes = 1024;

type State =
  | { readonly kind: "open" }
  | { readonly kind: "ended" }
  /** The run is to end: what was typed is not read any more, and it does not look like the end of input. */
  | { readonly kind: "failed"; readonly reason: unknown };

/** Console input on its way to a module, each byte at its offset, bounded. */
export class ConsoleInput implements AsyncIterable<Uint8Array> {
  readonly #pieces = new Deque<Uint8Array>();
  readonly #onTaken: () => void;
  #cost = 0;
  #arrived = 0;
  #taken = 0;
  /** What had arrived when the client came. */
  #base = 0;
  #state: State = { kind: "open" };
  #discarding = false;
  #room: PromiseWithResolvers<void> | undefined;
  #readers: Set<() => void> = new Set();

  /** `onTaken` is called when a module has read something. */
  constructor(onTaken: () => void) {
    this.#onTaken = onTaken;
  }

  /** How many bytes have arrived. */
  get arrived(): number {
    return this.#arrived;
  }

  /** How many of them a module has read. */
  get taken(): number {
    return this.#taken;
  }

  get ended(): boolean {
    return this.#state.kind !== "open";
  }

  /** Another client is there: it goes on from what has arrived, and does not know how much of it was read. */
  startOfClient(): void {
    this.#base = this.#arrived;
  }

  /**
   * Keeps a piece that begins at an offset; what had arrived before is known by its offset and is not kept twice.
   * Throws invalid_argument when something before it is missing, and resource_exhausted when it is beyond the window.
   */
  receive(offset: number, piece: Uint8Array): void {
    if (this.#state.kind !== "open") {
      return;
    }
    if (offset > this.#arrived) {
      throw new DutError(
        "invalid_argument",
        `input at offset ${offset} came when only ${this.#arrived} bytes were there`,
      );
    }
    const fresh = piece.subarray(this.#arrived - offset);
    const ahead = this.#arrived + fresh.length - this.#taken;
    const most = Math.min(typeAheadBytes, Math.max(0, this.#base - this.#taken) + inputWindow);
    if (ahead > most) {
      throw new DutError("resource_exhausted", `input is ${ahead} bytes ahead of what was read, at most ${most} fit`);
    }
    this.#keep(fresh);
  }

  /**
   * Resolves when the piece has been kept or, while discarding, dropped. Answers whether it was kept.
   * After the end everything is dropped.
   */
  async put(piece: Uint8Array): Promise<boolean> {
    while (this.#state.kind === "open" && !this.#discarding && this.#cost >= typeAheadBytes) {
      this.#room ??= Promise.withResolvers();
      await this.#room.promise;
    }
    if (this.#state.kind !== "open" || this.#cost >= typeAheadBytes) {
      return false;
    }
    this.#keep(piece);
    return true;
  }

  end(): void {
    this.#close({ kind: "ended" });
  }

  /** Whoever reads is thrown the reason. */
  fail(reason: unknown): void {
    this.#pieces.drain();
    this.#close({ kind: "failed", reason });
  }

  /**
   * While the module waits for a file, input beyond the bound is dropped instead of held back: the first protocol has one
   * stream for both, and the file would never be seen behind input that nobody reads.
   */
  discardExcess(): Disposable {
    this.#discarding = true;
    this.#makeRoom();
    return {
      [Symbol.dispose]: () => {
        this.#discarding = false;
      },
    };
  }

  /** Leaving early loses nothing, also while the next piece is awaited. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    let left = false;
    let wake: () => void = () => {};
    const leave = () => {
      left = true;
      this.#readers.delete(wake);
      wake();
    };
    return {
      next: async () => {
        while (!left) {
          const piece = this.#take();
          if (piece !== undefined) {
            return { done: false, value: piece };
          }
          if (this.#state.kind === "failed") {
            throw this.#state.reason;
          }
          if (this.#state.kind === "ended") {
            break;
          }
          const { promise, resolve } = Promise.withResolvers<void>();
          wake = resolve;
          this.#readers.add(wake);
          await promise;
        }
        return { done: true, value: undefined };
      },
      return: async () => {
        leave();
        return { done: true, value: undefined };
      },
    };
  }

  #close(state: State): void {
    this.#state = state;
    this.#makeRoom();
    this.#wakeReaders();
  }

  #keep(piece: Uint8Array): void {
    if (piece.length > 0) {
      const last = this.#pieces.last;
      this.#arrived += piece.length;
      if (last !== undefined && last.length + piece.length <= joinedBytes) {
        this.#cost += piece.length;
        this.#pieces.replaceLast(Buffer.concat([last, piece]));
      } else {
        this.#cost += piece.length + pieceBytes;
        this.#pieces.push(piece);
      }
      this.#wakeReaders();
    }
  }

  #take(): Uint8Array | undefined {
    const piece = this.#pieces.shift();
    if (piece !== undefined) {
      this.#cost -= piece.length + pieceBytes;
      this.#taken += piece.length;
      this.#makeRoom();
      this.#onTaken();
    }
    return piece;
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #wakeReaders(): void {
    for (const wake of this.#readers) {
      wake();
    }
    this.#readers.clear();
  }
}
