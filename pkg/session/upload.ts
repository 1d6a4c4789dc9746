import { createHash } from "node:crypto";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { FileAttributes, ReceivedFile } from "#pkg/modules/session.ts";
import { Deque } from "./deque.ts";

/** How far a client that hears of it may be ahead of what the module has read, in bytes. */
export const fileWindow = 4 * 1024 * 1024;

type State =
  /** Asked for; the client has not begun. */
  | { readonly kind: "asked" }
  | { readonly kind: "coming" }
  | { readonly kind: "whole" }
  | { readonly kind: "failed"; readonly reason: unknown };

/** One file on its way from the client to a module. */
export class Upload {
  readonly transfer: number;
  readonly name: string;
  /** Resolves when the first of it has come, or its end: until then another client may send another file of that name. */
  readonly begun: Promise<ReceivedFile>;
  /** Resolves when nobody reads any more of it. */
  readonly finished: Promise<void>;
  readonly #begin = Promise.withResolvers<ReceivedFile>();
  readonly #finish = Promise.withResolvers<void>();
  readonly #pieces = new Deque<Uint8Array>();
  readonly #hash = createHash("sha256");
  readonly #onTaken: () => void;
  #attributes: FileAttributes = {};
  #arrived = 0;
  #taken = 0;
  #state: State = { kind: "asked" };
  /** Nobody will read what comes. */
  #unwanted = false;
  #changed: PromiseWithResolvers<void> | undefined;

  /** `onTaken` is called when the module has read something. */
  constructor(transfer: number, name: string, onTaken: () => void) {
    this.transfer = transfer;
    this.name = name;
    this.begun = this.#begin.promise;
    this.finished = this.#finish.promise;
    this.#onTaken = onTaken;
    // A run that is over before the file came may have nobody waiting.
    this.begun.catch(() => undefined);
  }

  get arrived(): number {
    return this.#arrived;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Whether the client has nothing more to send of it. */
  get over(): boolean {
    return this.#state.kind === "whole" || this.#state.kind === "failed";
  }

  get unwanted(): boolean {
    return this.#unwanted;
  }

  /** The client begins, or begins again after it attached; before the first byte another one may, with another file. */
  head(attributes: FileAttributes): void {
    if (this.#state.kind === "asked") {
      this.#state = { kind: "coming" };
    }
    if (this.#state.kind === "coming" && this.#arrived === 0) {
      this.#attributes = attributes;
    }
  }

  /**
   * Keeps a piece that begins at an offset; what had arrived before is not kept twice. Throws invalid_argument when
   * something before it is missing, and resource_exhausted when it is beyond the window.
   */
  chunk(offset: number, bytes: Uint8Array): void {
    if (this.#state.kind === "asked" || offset > this.#arrived) {
      throw new DutError(
        "invalid_argument",
        `bad file transfer: a chunk of ${quote(this.name)} at offset ${offset} came when only ${this.#arrived} bytes were there`,
      );
    }
    const fresh = bytes.subarray(this.#arrived - offset);
    if (this.#arrived + fresh.length - this.#taken > fileWindow) {
      throw new DutError("resource_exhausted", `more than ${fileWindow} bytes of ${quote(this.name)} wait to be read`);
    }
    this.#keep(fresh);
  }

  /** The client has sent everything: when that is not what arrived, reading it throws data_loss at its end. */
  end(size: number, sha256: Uint8Array | undefined): void {
    if (this.#state.kind !== "coming") {
      return;
    }
    this.#handOver();
    const declared = this.#attributes.size ?? size;
    const problem =
      size !== this.#arrived || declared !== this.#arrived
        ? `${Math.max(size, declared)} bytes were announced and ${this.#arrived} came`
        : sha256 !== undefined && !this.#hash.digest().equals(sha256)
          ? "its content is not what was sent: the SHA-256 digests differ"
          : undefined;
    this.#move(
      problem === undefined
        ? { kind: "whole" }
        : {
            kind: "failed",
            reason: new DutError("data_loss", `file ${quote(this.name)} arrived damaged: ${problem}`, {
              hint: "send it again",
            }),
          },
    );
  }

  /** Takes the file in one piece, as the first protocol carries it. */
  whole(content: Uint8Array): void {
    this.head({ size: content.length });
    this.#handOver();
    this.#arrived = content.length;
    for (let start = 0; start < content.length; start += pieceBytes) {
      this.#pieces.push(content.subarray(start, start + pieceBytes));
    }
    this.#move({ kind: "whole" });
  }

  /** It will not come, or no more of it: whoever waits for it is thrown the reason. */
  fail(reason: unknown): void {
    if (!this.over) {
      this.#begin.reject(reason);
      this.#move({ kind: "failed", reason });
    }
  }

  #handOver(): void {
    this.#begin.resolve({ attributes: this.#attributes, [Symbol.asyncIterator]: () => this.#read() });
  }

  async *#read(): AsyncGenerator<Uint8Array, undefined> {
    try {
      for (;;) {
        const piece = this.#pieces.shift();
        if (piece !== undefined) {
          this.#taken += piece.length;
          this.#onTaken();
          yield piece;
        } else if (this.#state.kind === "failed") {
          throw this.#state.reason;
        } else if (this.#state.kind === "whole") {
          return;
        } else {
          this.#changed ??= Promise.withResolvers();
          await this.#changed.promise;
        }
      }
    } finally {
      this.#unwanted = true;
      this.#pieces.drain();
      this.#taken = this.#arrived;
      this.#onTaken();
      this.#finish.resolve();
    }
  }

  #keep(piece: Uint8Array): void {
    if (piece.length === 0) {
      return;
    }
    this.#handOver();
    this.#hash.update(piece);
    this.#arrived += piece.length;
    if (this.#unwanted) {
      this.#taken = this.#arrived;
      this.#onTaken();
    } else {
      this.#pieces.push(piece);
      this.#wake();
    }
  }

  #move(state: State): void {
    this.#state = state;
    this.#wake();
  }

  #wake(): void {
    this.#changed?.resolve();
    this.#changed = undefined;
  }
}

/** A file that came whole is handed on in pieces of this size. */
const pieceBytes = 256 * 1024;
