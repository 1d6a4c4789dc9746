/** The last bytes of a stream: never holds more than its bound and one piece. */
export class Tail {
  readonly #bound: number;
  #kept: Buffer = Buffer.alloc(0);
  #cut = 0;

  constructor(boundBytes: number) {
    this.#bound = boundBytes;
  }

  push(piece: Uint8Array): void {
    const all = Buffer.concat([this.#kept, piece]);
    const over = Math.max(0, all.length - this.#bound);
    this.#cut += over;
    this.#kept = all.subarray(over);
  }

  get bytes(): Buffer {
    return this.#kept;
  }

  /** How many bytes in front were left out. */
  get cut(): number {
    return this.#cut;
  }
}
