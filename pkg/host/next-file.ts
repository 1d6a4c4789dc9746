import { type FileHandle, rm } from "node:fs/promises";
import { doing } from "./errno.ts";
import type { Replacement } from "./files.ts";
import { putInPlace } from "./put-in-place.ts";

interface Parts {
  /** What the user calls the file that is replaced. */
  readonly name: string;
  readonly target: string;
  /** Of the new content, in the same directory. */
  readonly path: string;
  readonly file: FileHandle;
  /** Permission bits of the result, whatever the umask; default as the file was made. */
  readonly mode?: number;
}

/** The next content of a file, in a file beside it. */
export class NextFile implements Replacement {
  readonly #parts: Parts;
  #state: "written" | "over" = "written";

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get path(): string {
    return this.#parts.path;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await doing(`write ${this.#parts.name}`, () => this.#parts.file.writeFile(bytes));
  }

  async commit(): Promise<void> {
    const { name, target, path, file, mode } = this.#parts;
    await doing(`replace ${name}`, async () => {
      if (mode !== undefined) {
        await file.chmod(mode);
      }
      await file.sync();
      await file.close();
      await putInPlace(path, target);
      this.#state = "over";
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === "written") {
      this.#state = "over";
      await this.#parts.file.close();
      await rm(this.path, { force: true });
    }
  }
}
