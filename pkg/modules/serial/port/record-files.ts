import { join } from "node:path";
import { messageOf } from "#pkg/errors/dut-error.ts";
import type { Files } from "#pkg/host/files.ts";
import type { Log } from "#pkg/log/log.ts";
import { EscapeFilter } from "../shown/escape-filter.ts";
import { SecretMask } from "../shown/secret-mask.ts";
import type { RecordTo } from "./plan.ts";
import { RecordedLines, renderNote } from "./recorded-lines.ts";
import type { Secrets } from "./secrets.ts";

/** What waits for the disk at most, less than the smallest file; what comes beyond that is counted and not recorded. */
const waitingLimit = 512 * 1024;

/** What is made lines of at once. Even of line ends alone that is less text than may wait. */
const pieceBytes = 8 * 1024;

/** How long is waited for more before it is written. */
const gatherMs = 200;

/** How long is waited for the end of a line, such as a prompt. */
const lineMs = 1_000;

type Directory = RecordTo & { readonly kind: "directory" };

interface RecordFile {
  readonly path: string;
  readonly bytes: number;
  /** Whether everything that was written lately is in it. */
  readonly isOurs: boolean;
}

/**
 * Files of what a port says, of which each has a name with the port's and the time of its beginning, and a bounded size.
 * The oldest are removed. A disk that takes nothing ends nothing: it is said once, and how much is missing is noted
 * when it takes something again.
 */
export class RecordFiles implements AsyncDisposable {
  readonly #directory: Directory;
  readonly #name: string;
  readonly #files: Files;
  readonly #log: Log;
  readonly #mask: SecretMask;
  readonly #filter = new EscapeFilter();
  readonly #lines = new RecordedLines();
  #waiting: string[] = [];
  #waitingBytes = 0;
  /** What of the device stands in what waits. */
  #waitingOfDevice = 0;
  #missing = 0;
  #state: "recording" | "failing" | "closed" = "recording";
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #file: RecordFile | undefined;

  constructor(path: string, directory: Directory, secrets: Secrets, files: Files, log: Log) {
    this.#directory = directory;
    this.#name = `${path.replace(/^[./]+/, "").replaceAll(/[^A-Za-z0-9._-]+/g, "-")}`;
    this.#files = files;
    this.#log = log;
    this.#mask = new SecretMask(secrets);
  }

  /** Takes what the device said; it is on the disk a moment later. */
  write(piece: Uint8Array): void {
    for (let start = 0; start < piece.length; start += pieceBytes) {
      const part = piece.subarray(start, start + pieceBytes);
      this.#add(this.#lines.write(this.#mask.write(this.#filter.write(part)), new Date()), part.length);
    }
  }

  /** A sentence of ours, on a line of its own. */
  note(text: string): void {
    this.#add(this.#unfinished() + renderNote(text, new Date()), 0);
  }

  /** Resolves when what was taken so far is on the disk, or is known not to be. */
  async settled(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#flush());
    await this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== "closed") {
      this.#state = "closed";
      await this.settled();
      clearTimeout(this.#timer);
    }
  }

  #unfinished(): string {
    return this.#lines.write(this.#mask.end(), new Date()) + this.#lines.break();
  }

  #add(text: string, bytesOfDevice: number): void {
    const bytes = Buffer.byteLength(text);
    if (this.#waitingBytes + bytes > waitingLimit) {
      this.#missing += bytesOfDevice;
    } else {
      this.#waiting.push(text);
      this.#waitingBytes += bytes;
      this.#waitingOfDevice += bytesOfDevice;
    }
    this.#writeIn(gatherMs);
  }

  #writeIn(milliseconds: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writing.then(() => this.#flush());
    }, milliseconds).unref();
  }

  async #flush(): Promise<void> {
    const begunFor = Date.now() - this.#lines.begunAt;
    if (begunFor >= lineMs || this.#state === "closed") {
      this.#waiting.push(this.#unfinished());
    } else {
      this.#writeIn(lineMs);
    }
    const missing = this.#missing;
    const ofDevice = this.#waitingOfDevice;
    const text = `${missing > 0 ? renderNote(`${missing} bytes were not recorded`, new Date()) : ""}${this.#waiting.join("")}`;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#waitingOfDevice = 0;
    if (text === "") {
      return;
    }
    try {
      await this.#append(text);
      this.#missing -= missing;
      this.#say("recording", () => this.#log.info("the serial port is recorded again", { missing }));
    } catch (error) {
      this.#missing += ofDevice;
      this.#file = undefined;
      const { directory: record } = this.#directory;
      this.#say("failing", () => this.#log.error("the serial port is not recorded", { record, err: messageOf(error) }));
    }
  }

  #say(state: "recording" | "failing", say: () => void): void {
    if (this.#state !== "closed" && this.#state !== state) {
      this.#state = state;
      say();
    }
  }

  async #append(text: string): Promise<void> {
    const bytes = Buffer.byteLength(text);
    this.#file ??= await this.#newestFile();
    if (this.#file.bytes > 0 && this.#file.bytes + bytes > this.#directory.fileBytes) {
      this.#file = { path: this.#newPath(), bytes: 0, isOurs: true };
      await this.#removeOldest();
    }
    // What the last writer of the file left may not be a whole line.
    await this.#files.appendText(this.#file.path, this.#file.isOurs || this.#file.bytes === 0 ? text : `\n${text}`);
    this.#file = { path: this.#file.path, bytes: this.#file.bytes + bytes, isOurs: true };
  }

  /** The one to go on with. */
  async #newestFile(): Promise<RecordFile> {
    await this.#files.makeDirectory(this.#directory.directory);
    const newest = (await this.#own()).at(-1);
    const path = newest === undefined ? this.#newPath() : join(this.#directory.directory, newest);
    return { path, bytes: (await this.#files.size(path)) ?? 0, isOurs: false };
  }

  #newPath(): string {
    const time = new Date().toISOString().replaceAll(/[-:]/g, "");
    return join(this.#directory.directory, `${this.#name}.${time}.log`);
  }

  /** The files of this port, the oldest first. */
  async #own(): Promise<readonly string[]> {
    const names = await this.#files.list(this.#directory.directory);
    const rest = /^\.\d{8}T\d{6}\.\d{3}Z\.log$/;
    return names.filter((name) => name.startsWith(this.#name) && rest.test(name.slice(this.#name.length))).sort();
  }

  /** Leaves room for one more. */
  async #removeOldest(): Promise<void> {
    const own = await this.#own();
    for (const name of own.slice(0, Math.max(0, own.length - this.#directory.files + 1))) {
      await this.#files.remove(join(this.#directory.directory, name));
    }
  }
}
