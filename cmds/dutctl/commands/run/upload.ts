import { createHash } from "node:crypto";
import { DutError } from "#pkg/errors/dut-error.ts";
import { type GrantedFile, openGranted } from "../../files/open-file.ts";
import { shownName } from "../../files/shown-name.ts";
import { abortable } from "./abortable.ts";
import { type FileDesk, tellProgress, tellTransferred } from "./exchange.ts";
import type { Link } from "./link.ts";
import { News } from "./news.ts";

/** The most that one message carries, in bytes. */
const chunkBytes = 256 * 1024;

/**
 * A file on its way to the agent. It is read as the agent takes it, so it costs the same memory whatever its size, and a
 * new connection goes on where the agent stands.
 */
export class Upload implements AsyncDisposable {
  readonly transfer: number;
  readonly #name: string;
  readonly #file: GrantedFile;
  readonly #desk: FileDesk;
  readonly #window: number;
  readonly #hash = createHash("sha256");
  readonly #news = new News();
  /** Aborted when the agent has no more use for it. */
  readonly #over = new AbortController();
  /** How much of it the digest has seen. Going back to send again does not go back here. */
  #hashed = 0;
  #limit: number;
  #told = false;
  #sender: Promise<void> = Promise.resolve();

  private constructor(transfer: number, name: string, file: GrantedFile, desk: FileDesk, window: number) {
    this.transfer = transfer;
    this.#name = name;
    this.#file = file;
    this.#desk = desk;
    this.#window = window;
    this.#limit = window;
  }

  /** Opens what the agent asks for. Throws for what it does not get. `window` is how far ahead of it we may be, in bytes. */
  static async open(
    request: { readonly transfer: number; readonly name: string },
    desk: FileDesk,
    window: number,
  ): Promise<Upload> {
    const file = await openGranted(desk.grants, request.name);
    desk.sent.add(file.path);
    return new Upload(request.transfer, request.name, file, desk, window);
  }

  /** Sends from an offset on until the link is gone. Rejects with what is wrong with the file. */
  async send(from: number, link: Link): Promise<void> {
    await this.#sender;
    const until = AbortSignal.any([link.signal, this.#over.signal]);
    const sending = this.#send(from, link, abortable(until)).catch((error: unknown) => {
      if (!until.aborted) {
        throw error;
      }
    });
    this.#sender = sending.catch(() => {});
    return sending;
  }

  /** The agent has dealt with what stands before an offset. */
  taken(offset: number): void {
    this.#limit = Math.max(this.#limit, offset + this.#window);
    this.#news.tell();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#sender;
    await this.#file[Symbol.asyncDispose]();
  }

  async #send(from: number, link: Link, patiently: ReturnType<typeof abortable>): Promise<void> {
    const { transfer } = this;
    const { size: claimed, mode } = this.#file.stats;
    // The message before this one has left when this one is taken, so two buffers are enough.
    let [buffer, other] = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)];
    let offset = from;
    let data = await this.#read(buffer, from);
    // Some regular files, such as those of the kernel, claim to be empty and are not.
    const size = claimed === 0 && data.length > 0 ? undefined : claimed;
    if (from === 0) {
      const attributes = { mode: mode & 0o777, ...(size === undefined ? {} : { size: BigInt(size) }) };
      link.send({ case: "fileHead", value: { transfer, name: this.#name, ...attributes } });
    }
    while (data.length > 0) {
      for (let news = this.#news.next; offset + data.length > this.#limit; news = this.#news.next) {
        await patiently(news);
      }
      const chunk = { transfer, offset: BigInt(offset), data };
      await patiently(link.queue.send({ msg: { case: "fileChunk", value: chunk } }));
      offset += data.length;
      tellProgress(this.#desk, "sent", { transfer, name: this.#name, done: offset, total: size });
      [buffer, other] = [other, buffer];
      data = await this.#read(buffer, offset);
    }
    if (size !== undefined && offset !== size) {
      throw new DutError("failed_precondition", `the file ${shownName(this.#name)} changed while it was sent`, {
        hint: `it had ${size} bytes at first and ${offset} at the end`,
      });
    }
    const sha256 = this.#hash.copy().digest();
    await patiently(link.queue.send({ msg: { case: "fileEnd", value: { transfer, size: BigInt(offset), sha256 } } }));
    if (!this.#told) {
      this.#told = true;
      tellProgress(this.#desk, "sent", { transfer, name: this.#name, done: offset, total: offset }, true);
      await tellTransferred(this.#desk, "sent", { name: this.#name, bytes: offset });
    }
  }

  /** What stands at an offset, as much as the buffer holds; nothing at the end. */
  async #read(buffer: Buffer, offset: number): Promise<Buffer> {
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await this.#file.handle.read(buffer, length, buffer.length - length, offset + length);
      if (bytesRead === 0) {
        break;
      }
      length += bytesRead;
    }
    const data = buffer.subarray(0, length);
    const seen = Math.max(0, Math.min(this.#hashed - offset, length));
    this.#hash.update(data.subarray(seen));
    this.#hashed = Math.max(this.#hashed, offset + length);
    return data;
  }
}
