import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { FileAttributes } from "#pkg/modules/session.ts";

interface Begun {
  readonly transfer: number;
  readonly name: string;
  readonly pieces: Uint8Array[];
  size: number;
}

/** Puts files together for protocol v1, which carries each in one message. A transfer that is not ended was given up. */
export class WholeFiles {
  readonly #room: number;
  #begun: Begun | undefined;
  #problem: DutError | undefined;

  /** `room` is the largest file, in bytes. */
  constructor(room: number) {
    this.#room = room;
  }

  /** That a file is larger than the protocol can carry: resource_exhausted. */
  get problem(): DutError | undefined {
    return this.#problem;
  }

  begin({ transfer, name, attributes }: { transfer: number; name: string; attributes: FileAttributes }): void {
    this.#begun = { transfer, name, pieces: [], size: 0 };
    this.#check(this.#begun, attributes.size ?? 0);
  }

  add({ transfer, bytes }: { transfer: number; bytes: Uint8Array }): void {
    const begun = this.#begun;
    if (begun?.transfer === transfer && this.#problem === undefined) {
      begun.pieces.push(bytes);
      begun.size += bytes.length;
      this.#check(begun, begun.size);
    }
  }

  /** Undefined when there is none to hand over. */
  end(transfer: number): { readonly name: string; readonly content: Uint8Array } | undefined {
    const begun = this.#begun;
    this.#begun = undefined;
    return begun?.transfer === transfer && this.#problem === undefined
      ? { name: begun.name, content: Buffer.concat(begun.pieces, begun.size) }
      : undefined;
  }

  #check(begun: Begun, size: number): void {
    if (size > this.#room) {
      begun.pieces.length = 0;
      this.#problem ??= new DutError(
        "resource_exhausted",
        `file ${quote(begun.name)} is larger than ${this.#room} bytes, which is all that protocol v1 carries`,
        { hint: "use a client and an agent that both speak dutlab.v1" },
      );
    }
  }
}
