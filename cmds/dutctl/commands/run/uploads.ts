import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { FileRequest, FileTaken, Started } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import type { FileDesk } from "./exchange.ts";
import type { Link, Message } from "./link.ts";
import { Upload } from "./upload.ts";

/** Told what is wrong with a file that was asked for, and what tells the agent so. */
export type Refuse = (reason: unknown, ask: Message) => void;

/** The files that the agent of a run asks for, one at a time. */
export class Uploads implements AsyncDisposable {
  readonly #desk: FileDesk;
  readonly #refuse: Refuse;
  #current: Upload | undefined;
  #window = 0;

  constructor(desk: FileDesk, refuse: Refuse) {
    this.#desk = desk;
    this.#refuse = refuse;
  }

  /** Opens what is asked for and sends it beside everything else. Who asks for the next one has done with the one before. */
  async answer({ transfer, name }: FileRequest, link: Link | undefined): Promise<void> {
    await this[Symbol.asyncDispose]();
    try {
      this.#current = await Upload.open({ transfer, name }, this.#desk, this.#window);
    } catch (error) {
      this.#refuseFor(transfer, error);
      return;
    }
    if (link !== undefined) {
      this.#send(this.#current, 0, link);
    }
  }

  /** Goes on where the agent stands. False when it waits for the rest of a file that we never had to do with. */
  resume({ file, fileWindow }: Started, link: Link): boolean {
    this.#window = Number(fileWindow);
    if (file !== undefined && file.transfer === this.#current?.transfer) {
      this.#send(this.#current, Number(file.offset), link);
      return true;
    }
    return file === undefined || file.offset === 0n;
  }

  taken({ transfer, offset }: FileTaken): void {
    if (transfer === this.#current?.transfer) {
      this.#current.taken(Number(offset));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#current?.[Symbol.asyncDispose]();
    this.#current = undefined;
  }

  #send(upload: Upload, from: number, link: Link): void {
    upload.send(from, link).catch((error: unknown) => this.#refuseFor(upload.transfer, error));
  }

  #refuseFor(transfer: number, reason: unknown): void {
    const code = reason instanceof DutError ? reason.code : "unknown";
    this.#refuse(reason, { case: "fileRefusal", value: { transfer, code, message: messageOf(reason) } });
  }
}
