import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { FileAttributes } from "#pkg/modules/session.ts";
import { dutErrorFrom } from "#pkg/protocol/fault.ts";
import { limits } from "#pkg/protocol/limits.ts";
import type { FileMemory } from "./file-memory.ts";

const stepBytes = 16 * 1024 * 1024;

interface Begun {
  readonly transfer: number;
  readonly name: string;
  readonly pieces: Uint8Array[];
  size: number;
}

export interface WholeFilesOptions {
  /** The largest file, in bytes. */
  readonly room: number;
  readonly memory: FileMemory;
  /** Aborted when nobody wants them any more. */
  readonly signal: AbortSignal;
}

/**
 * Puts files together for protocol v1, which carries each in one message. A transfer that is not ended was given up.
 * Disposing gives up the memory of all.
 */
export class WholeFiles implements Disposable {
  readonly #options: WholeFilesOptions;
  #begun: Begun | undefined;
  #problem: DutError | undefined;
  #held: Disposable[] = [];
  #heldBytes = 0;

  constructor(options: WholeFilesOptions) {
    this.#options = options;
  }

  /** That a file is larger than the protocol can carry: resource_exhausted. */
  get problem(): DutError | undefined {
    return this.#problem;
  }

  /** Resolves when there is memory for the file, as far as it has said how large it is, or a problem. */
  async begin({
    transfer,
    name,
    attributes: { size = 0 },
  }: {
    transfer: number;
    name: string;
    attributes: FileAttributes;
  }): Promise<void> {
    this.#begun = { transfer, name, pieces: [], size: 0 };
    this.#check(this.#begun, size);
    await this.#hold(size);
  }

  /** Resolves when there is memory for it, or a problem. */
  async add({ transfer, bytes }: { transfer: number; bytes: Uint8Array }): Promise<void> {
    const begun = this.#begun;
    if (begun?.transfer === transfer && this.#problem === undefined) {
      await this.#hold(begun.size + bytes.length);
      begun.pieces.push(bytes);
      begun.size += bytes.length;
      this.#check(begun, begun.size);
    }
  }

  /** What was handed over has been sent. */
  sent(): void {
    if (this.#begun === undefined) {
      this[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    for (const held of this.#held.splice(0)) {
      held[Symbol.dispose]();
    }
    this.#heldBytes = 0;
  }

  /** Undefined when there is none to hand over. */
  end(transfer: number): { readonly name: string; readonly content: Uint8Array } | undefined {
    const begun = this.#begun;
    this.#begun = undefined;
    return begun?.transfer === transfer && this.#problem === undefined
      ? { name: begun.name, content: Buffer.concat(begun.pieces, begun.size) }
      : undefined;
  }

  /** Small files are as other messages are, and what one needs beyond what it said is taken in large steps. */
  async #hold(bytes: number): Promise<void> {
    const { memory, signal } = this.#options;
    if (this.#problem !== undefined || bytes <= Math.max(limits.messageBytes, this.#heldBytes)) {
      return;
    }
    const step = Math.max(bytes - this.#heldBytes, stepBytes);
    try {
      this.#held.push(await memory.take(step, signal));
      this.#heldBytes += step;
    } catch (error) {
      this.#problem ??= dutErrorFrom(error);
    }
  }

  #check(begun: Begun, size: number): void {
    const { room } = this.#options;
    if (size > room) {
      begun.pieces.length = 0;
      this.#problem ??= new DutError(
        "resource_exhausted",
        `file ${quote(begun.name)} is larger than ${room} bytes, which is all that protocol v1 carries`,
        { hint: "use a client and an agent that both speak dutlab.v1" },
      );
    }
  }
}
