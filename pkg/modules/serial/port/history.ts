const newline = 0x0a;

/** The last bytes of an endless stream, each at its offset. */
export class History {
  #ring: Buffer;
  #end = 0;
  /** Below this nothing is kept: the stream is longer than the ring, or the ring was smaller once. */
  #start = 0;

  /** How many bytes are kept. */
  constructor(capacity: number) {
    this.#ring = Buffer.alloc(capacity);
  }

  get capacity(): number {
    return this.#ring.length;
  }

  /** The offset of the oldest byte that is kept. */
  get start(): number {
    return this.#start;
  }

  /** The offset that the next byte will have. */
  get end(): number {
    return this.#end;
  }

  append(bytes: Uint8Array): void {
    const kept = bytes.subarray(Math.max(0, bytes.length - this.capacity));
    this.#end += bytes.length - kept.length;
    const at = this.#end % this.capacity;
    const first = kept.subarray(0, this.capacity - at);
    this.#ring.set(first, at);
    this.#ring.set(kept.subarray(first.length), 0);
    this.#end += kept.length;
    this.#start = Math.max(this.#start, this.#end - this.capacity);
  }

  /** A copy of at most so many bytes from an offset that is kept. */
  read(from: number, most: number): Buffer {
    const length = Math.min(most, this.#end - from);
    const at = from % this.capacity;
    const first = this.#ring.subarray(at, Math.min(at + length, this.capacity));
    return Buffer.concat([first, this.#ring.subarray(0, length - first.length)]);
  }

  /** Keeps more from now on. */
  grow(capacity: number): void {
    const kept = this.read(this.#start, this.#end - this.#start);
    const start = this.#start;
    this.#ring = Buffer.alloc(capacity);
    this.#end = start;
    this.append(kept);
    this.#start = start;
  }

  /**
   * Where the last lines begin. An unfinished one counts. When fewer are kept it is the oldest byte, which may stand in
   * the middle of a line.
   */
  startOfLast(lines: number): number {
    let begin = this.#end;
    let before = this.#lastLineEnd(this.#end) === this.#end - 1 ? this.#end - 1 : this.#end;
    for (let found = 0; found < lines && begin > this.#start; found += 1) {
      const last = this.#lastLineEnd(before);
      begin = last === undefined ? this.#start : last + 1;
      before = begin - 1;
    }
    return begin;
  }

  /** The last line end before an offset, searched for in the ring as it is: a copy of the largest takes tens of milliseconds. */
  #lastLineEnd(before: number): number | undefined {
    for (let end = before; end > this.#start; ) {
      const length = end % this.capacity || this.capacity;
      const found = this.#ring.lastIndexOf(newline, length - 1);
      if (found !== -1) {
        const offset = end - length + found;
        return offset >= this.#start ? offset : undefined;
      }
      end -= length;
    }
    return undefined;
  }
}
