import type { FileHandle } from "node:fs/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Disk } from "../disks.ts";
import { doing } from "../errno.ts";

/** Large enough for the full speed of cards and sticks, and a fraction of a second for the slowest of them. */
const pieceBytes = 1024 * 1024;

const wasmPageBytes = 64 * 1024;

/** A file opened with O_DIRECT, which takes whole blocks only, from memory that is aligned as they are. */
export class DirectDisk implements Disk {
  readonly path: string;
  readonly bytes: number | undefined;
  protected readonly handle: FileHandle;
  readonly #blockBytes: number;
  readonly #piece = alignedMemory(pieceBytes);
  /** Where what is held in `#piece` belongs. */
  #start = 0;
  #held = 0;

  constructor(
    path: string,
    handle: FileHandle,
    size: { readonly bytes: number | undefined; readonly blockBytes: number },
  ) {
    this.path = path;
    this.handle = handle;
    this.bytes = size.bytes;
    this.#blockBytes = size.blockBytes;
  }

  async write(at: number, bytes: Uint8Array): Promise<void> {
    if (this.#held === 0 || at !== this.#start + this.#held) {
      await this.#put();
      this.#start = this.#aligned(at);
    }
    for (let rest = bytes; rest.length > 0; ) {
      const taken = rest.subarray(0, pieceBytes - this.#held);
      this.#piece.set(taken, this.#held);
      this.#held += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#held === pieceBytes) {
        await this.#put();
      }
    }
  }

  async flush(): Promise<void> {
    await this.#put();
    await this.doing("write", () => this.handle.sync());
  }

  async *read(at: number, length: number): AsyncGenerator<Uint8Array> {
    const end = at + length;
    for (let place = at; place < end; ) {
      const wanted = Math.min(this.#whole(end - place), pieceBytes);
      const got = await this.doing("read", () => this.handle.read(this.#piece, 0, wanted, this.#aligned(place)));
      const usable = Math.min(got.bytesRead, end - place);
      if (usable === 0) {
        throw new DutError("data_loss", `${this.path} ends at byte ${place}`);
      }
      yield this.#piece.subarray(0, usable);
      place += usable;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle.close();
  }

  protected async doing<T>(what: string, act: () => Promise<T>): Promise<T> {
    return await doing(`${what} ${this.path}`, act);
  }

  /** Writes what is held. The last block is filled up with what is there. */
  async #put(): Promise<void> {
    const length = this.#whole(this.#held);
    if (length > this.#held) {
      await this.#fillLastBlock(length - this.#blockBytes);
    }
    for (let done = 0; done < length; ) {
      const { bytesWritten } = await this.doing("write", () =>
        this.handle.write(this.#piece, done, length - done, this.#start + done),
      );
      done += bytesWritten;
    }
    this.#start += this.#held;
    this.#held = 0;
  }

  async #fillLastBlock(from: number): Promise<void> {
    const block = alignedMemory(this.#blockBytes);
    await this.doing("read", () => this.handle.read(block, 0, block.length, this.#start + from));
    this.#piece.set(block.subarray(this.#held - from), this.#held);
  }

  #whole(length: number): number {
    return Math.ceil(length / this.#blockBytes) * this.#blockBytes;
  }

  #aligned(at: number): number {
    if (at % this.#blockBytes !== 0) {
      throw new DutError(
        "failed_precondition",
        `${this.path} has blocks of ${this.#blockBytes} bytes, and none begins at byte ${at}`,
      );
    }
    return at;
  }
}

/** Node has it, its types do not. */
declare const WebAssembly: {
  readonly Memory: new (pages: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
};

/** Node's own buffers begin anywhere; the memory of WebAssembly begins at a page. */
function alignedMemory(bytes: number): Uint8Array {
  const pages = Math.ceil(bytes / wasmPageBytes);
  return new Uint8Array(new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer).subarray(0, bytes);
}
