import type { Disk } from "#pkg/host/disks.ts";

/**
 * Boards look for a boot sector, a partition table or a first stage here: the places of the usual ones end well below, and
 * partitions begin at 1 MiB.
 */
const headBytes = 1024 * 1024;

/**
 * Writes an image to a disk and holds its beginning back until the end. Before anything else changes there are zeros in
 * its place, so that a board that is started meanwhile, or after a write that ended half-way, finds nothing to boot.
 */
export class HeadLast {
  readonly #disk: Disk;
  readonly #held = Buffer.alloc(headBytes);
  #end = 0;
  #writtenBytes = 0;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** What is held, from byte 0 of the image. */
  get held(): Uint8Array {
    return this.#held.subarray(0, this.#end);
  }

  /** Where what is written at once begins. */
  get restAt(): number {
    return headBytes;
  }

  /** How much of the image was handed to the disk; 0 for a disk that is as it was. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  async write(at: number, bytes: Uint8Array): Promise<void> {
    const mine = bytes.subarray(0, Math.max(0, headBytes - at));
    if (mine.length > 0) {
      this.#held.set(mine, at);
      this.#end = at + mine.length;
    }
    const rest = bytes.subarray(mine.length);
    if (rest.length > 0) {
      if (this.#writtenBytes === 0) {
        await this.#disk.write(0, Buffer.alloc(headBytes));
        await this.#disk.flush();
      }
      this.#writtenBytes += rest.length;
      await this.#disk.write(at + mine.length, rest);
    }
  }

  /** Writes what was held. */
  async finish(): Promise<void> {
    this.#writtenBytes += this.#end;
    await this.#disk.write(0, this.held);
    await this.#disk.flush();
  }
}
