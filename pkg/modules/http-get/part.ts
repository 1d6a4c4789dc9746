import { createHash } from "node:crypto";
import type { Files, PartFile } from "#pkg/host/files.ts";

/**
 * What was downloaded so far, and which version of the file it is of: a line in `<path>.part.of` with the SHA-256 of the
 * address, which may hold a password, and the server's name for the version.
 */
export class Part implements AsyncDisposable {
  readonly file: PartFile;
  readonly #files: Files;
  readonly #note: string;
  readonly #address: string;

  private constructor(file: PartFile, files: Files, url: URL) {
    this.file = file;
    this.#files = files;
    this.#note = `${file.path}.of`;
    this.#address = createHash("sha256").update(url.href).digest("hex");
  }

  static async open(path: string, url: URL, files: Files): Promise<Part> {
    return new Part(await files.resume(path), files, url);
  }

  /** What the server called the version that is here in part; undefined when that cannot be gone on with. */
  async version(): Promise<string | undefined> {
    const note = (await this.#files.readText(this.#note))?.trimEnd() ?? "";
    return this.file.size > 0 && note.startsWith(`${this.#address} `)
      ? note.slice(this.#address.length + 1)
      : undefined;
  }

  /** Starts from nothing with a version; undefined for one that cannot be gone on with. */
  async begin(version: string | undefined): Promise<void> {
    await this.file.empty();
    await (version === undefined
      ? this.#files.remove(this.#note)
      : this.#files.writeText(this.#note, `${this.#address} ${version}\n`));
  }

  async commit(): Promise<void> {
    await this.file.commit();
    await this.#files.remove(this.#note);
  }

  async remove(): Promise<void> {
    await this.#files.remove(this.file.path);
    await this.#files.remove(this.#note);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file[Symbol.asyncDispose]();
  }
}
