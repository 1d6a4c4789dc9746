import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { doing } from "./errno.ts";
import type { PartFile } from "./files.ts";
import { refuseOther } from "./plain-file.ts";
import { putInPlace } from "./put-in-place.ts";

const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

const readPieceBytes = 256 * 1024;

/** Throws failed_precondition when something else than a file is in its place, or in that of the whole. */
export async function openPartFile(target: string): Promise<PartFile> {
  const path = `${target}.part`;
  await refuseOther(target);
  const file = await doing(`write ${path}`, () => open(path, flags, 0o600));
  const found = await file.stat();
  if (!found.isFile()) {
    await file.close();
    throw new DutError("failed_precondition", `${path} is not a file`);
  }
  return new OpenPartFile(target, path, file, found.size);
}

class OpenPartFile implements PartFile {
  readonly path: string;
  readonly #target: string;
  readonly #file: FileHandle;
  #size: number;

  constructor(target: string, path: string, file: FileHandle, size: number) {
    this.path = path;
    this.#target = target;
    this.#file = file;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  async *read(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < this.#size; ) {
      const { buffer, bytesRead } = await this.#doing("read", () =>
        this.#file.read({ buffer: Buffer.alloc(Math.min(readPieceBytes, this.#size - at)), position: at }),
      );
      if (bytesRead === 0) {
        throw new DutError("data_loss", `${this.path} became shorter`);
      }
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0; ) {
      const { bytesWritten } = await this.#doing("write", () => this.#file.write(rest, 0, rest.length, this.#size));
      this.#size += bytesWritten;
      rest = rest.subarray(bytesWritten);
    }
  }

  async empty(): Promise<void> {
    await this.#doing("write", () => this.#file.truncate(0));
    this.#size = 0;
  }

  async commit(): Promise<void> {
    await this.#doing("replace", async () => {
      await this.#file.sync();
      await putInPlace(this.path, this.#target);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #doing<T>(what: string, act: () => Promise<T>): Promise<T> {
    return await doing(`${what} ${this.path}`, act);
  }
}
