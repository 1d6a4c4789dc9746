import { DutError } from "#pkg/errors/dut-error.ts";
import type { FileChunk, FileEnd, FileHead } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { destinationOf } from "../../files/grants.ts";
import { ReceivedFile } from "../../files/received-file.ts";
import { shownName } from "../../files/shown-name.ts";
import { type FileDesk, tellProgress, tellTransferred } from "./exchange.ts";

/** A file on its way from the agent. */
export class Download implements AsyncDisposable {
  readonly transfer: number;
  readonly #name: string;
  readonly #total: number | undefined;
  readonly #file: ReceivedFile;
  readonly #desk: FileDesk;

  private constructor({ transfer, name, size }: FileHead, file: ReceivedFile, desk: FileDesk) {
    this.transfer = transfer;
    this.#name = name;
    this.#total = size === undefined ? undefined : Number(size);
    this.#file = file;
    this.#desk = desk;
  }

  /** Throws for a file that may not be written. */
  static async begin(head: FileHead, desk: FileDesk): Promise<Download> {
    const destination = destinationOf(desk.grants, head.name, desk.sent);
    return new Download(head, await ReceivedFile.create(destination, head.name), desk);
  }

  /** Its name, as a user may be shown it. */
  get shownName(): string {
    return shownName(this.#name);
  }

  /** `seen` is how much of the piece has been written before. Throws data_loss for a piece of another place. */
  async write({ transfer, offset, data }: FileChunk, seen: number): Promise<void> {
    if (transfer !== this.transfer || Number(offset) + seen !== this.#file.size) {
      const place = `at ${offset}`;
      throw new DutError("data_loss", `the agent sent a piece of the file ${this.shownName} ${place}, out of turn`);
    }
    await this.#file.write(data.subarray(seen));
    const { size: done } = this.#file;
    tellProgress(this.#desk, "received", { transfer, name: this.#name, done, total: this.#total });
  }

  /** Gives the file its name. Throws data_loss when it is not what was sent. */
  async finish({ size, sha256 }: FileEnd): Promise<void> {
    const bytes = this.#file.size;
    tellProgress(
      this.#desk,
      "received",
      { transfer: this.transfer, name: this.#name, done: bytes, total: bytes },
      true,
    );
    await this.#file.finish({ size: Number(size), sha256 });
    await tellTransferred(this.#desk, "received", { name: this.#name, bytes });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file[Symbol.asyncDispose]();
  }
}
