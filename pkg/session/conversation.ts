import { createHash } from "node:crypto";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Log } from "#pkg/log/log.ts";
import type { FileAttributes, Progress, ReceivedFile, Session, TerminalSize } from "#pkg/modules/session.ts";
import { type ClientTerminal, Listeners, parseSignal } from "./client-terminal.ts";
import { ConsoleInput } from "./console-input.ts";
import { Journal } from "./journal.ts";
import type { Outcome } from "./run-event.ts";
import { Upload } from "./upload.ts";

/** The largest piece of output or of a file in one event, in bytes. */
const pieceBytes = 256 * 1024;

/** One run's conversation: modules see a Session; the wire's adapter puts in what the client says. */
export class Conversation implements Session {
  readonly journal = new Journal();
  readonly stdin: ConsoleInput = new ConsoleInput(() => this.journal.wake());
  readonly terminal: ClientTerminal | undefined;
  readonly #log: Log;
  readonly #signals = new Listeners<NodeJS.Signals>();
  /** Once the run is to end, why. */
  #stopped: { readonly reason: unknown } | undefined;
  #upload: Upload | undefined;
  /** Was asked for and is not waited for any more: it may come still. */
  #withdrawn: Upload | undefined;
  /** The client has said that it sends no file any more. */
  #filesOver = false;
  #transfers = 0;
  #rawModes = 0;
  #dropped = false;

  constructor(log: Log, terminal?: ClientTerminal) {
    this.#log = log;
    this.terminal = terminal;
  }

  // For modules.

  print(text: string): Promise<void> {
    return this.#say("print", Buffer.from(text));
  }

  stdout(bytes: Uint8Array): Promise<void> {
    return this.#say("stdout", bytes);
  }

  stderr(bytes: Uint8Array): Promise<void> {
    return this.#say("stderr", bytes);
  }

  progress(progress: Progress): Promise<void> {
    return this.journal.put({ kind: "progress", progress });
  }

  // What follows waits for a client that takes nothing until the signal aborts, and rejects with its reason then.

  async rawMode(signal?: AbortSignal): Promise<AsyncDisposable> {
    if (this.terminal === undefined) {
      throw new DutError("failed_precondition", "the client has no terminal");
    }
    this.#rawModes += 1;
    if (this.#rawModes === 1) {
      try {
        await this.journal.put({ kind: "raw-mode", on: true }, signal);
      } catch (error) {
        this.#rawModes -= 1;
        throw error;
      }
    }
    let over = false;
    return {
      [Symbol.asyncDispose]: async () => {
        if (!over) {
          over = true;
          this.#rawModes -= 1;
          if (this.#rawModes === 0) {
            this.journal.say({ kind: "raw-mode", on: false });
          }
        }
      },
    };
  }

  onSignal(listener: (name: NodeJS.Signals) => void): Disposable {
    return this.#signals.add(listener);
  }

  async requestFile(name: string, signal?: AbortSignal): Promise<ReceivedFile> {
    const former = this.#upload;
    if (former !== undefined && !former.over && !former.unwanted) {
      throw new DutError("failed_precondition", `file request ${quote(name)}: a file request is already in progress`);
    }
    this.#refuseOver();
    if (this.#filesOver) {
      throw notSent(name);
    }
    this.#transfers += 1;
    const upload = new Upload(this.#transfers, name, () => this.journal.wake());
    this.#upload = upload;
    using _ = this.stdin.discardExcess();
    await this.journal.put({ kind: "file-request", transfer: upload.transfer, name }, signal);
    return await upload.begun;
  }

  async sendFile(
    name: string,
    content: AsyncIterable<Uint8Array>,
    attributes: FileAttributes = {},
    signal?: AbortSignal,
  ): Promise<void> {
    this.#transfers += 1;
    const transfer = this.#transfers;
    await this.journal.put({ kind: "file-head", transfer, name, attributes }, signal);
    const hash = createHash("sha256");
    let size = 0;
    for await (const piece of content) {
      signal?.throwIfAborted();
      hash.update(piece);
      for (let start = 0; start < piece.length; start += pieceBytes) {
        const bytes = piece.subarray(start, start + pieceBytes);
        await this.journal.put({ kind: "file-chunk", transfer, start: size, bytes }, signal);
        size += bytes.length;
      }
    }
    await this.journal.put({ kind: "file-end", transfer, size, sha256: hash.digest() }, signal);
  }

  // For the wire.

  /** The file that is on its way from the client, or was last. */
  get upload(): Upload | undefined {
    return this.#upload;
  }

  /** Whether a file was asked for of which nothing has come: another client may send it as well. */
  get awaitsFile(): boolean {
    const upload = this.#upload;
    return upload !== undefined && !upload.over && !upload.unwanted && upload.arrived === 0;
  }

  get raw(): boolean {
    return this.#rawModes > 0;
  }

  /** Keeps console input of a client that has no credit; resolves when more may come. */
  async typed(bytes: Uint8Array): Promise<void> {
    const kept = await this.stdin.put(bytes);
    if (!kept && !this.#dropped && this.#stopped === undefined && !this.stdin.ended) {
      this.#dropped = true;
      this.#log.warn("console input that nobody reads is dropped");
    }
  }

  resize(size: TerminalSize): void {
    this.terminal?.resize(size);
  }

  /** Throws invalid_argument for what is no signal. */
  signal(name: string): void {
    this.#signals.tell(parseSignal(name));
  }

  /** The client has ended its side: no more input, no more files. */
  endOfInput(): void {
    this.stdin.end();
  }

  /** The client will send no file any more. */
  endOfFiles(): void {
    this.#filesOver = true;
    this.#upload?.fail(notSent(this.#upload.name));
  }

  /** Another client is there, which may type and send files. */
  startOfClient(): void {
    this.#filesOver = false;
    this.stdin.startOfClient();
  }

  /** Takes the file that was asked for in one piece; one that nobody waits for any more is dropped. Throws invalid_argument for any other. */
  file(name: string, content: Uint8Array): void {
    const upload = this.#upload;
    if (upload !== undefined && upload === this.#withdrawn && upload.name === name) {
      this.#withdrawn = undefined;
      return;
    }
    if (upload === undefined || upload.over) {
      throw badTransfer("received file-message without a former request");
    }
    if (upload.name !== name) {
      throw badTransfer(`received file-message ${quote(name)} but requested ${quote(upload.name)}`);
    }
    upload.whole(content);
  }

  /**
   * The upload that a message belongs to; undefined for one that is over, whose rest may still be on its way. Throws
   * invalid_argument when no file was asked for by that number.
   */
  uploadOf(transfer: number): Upload | undefined {
    if (transfer === 0 || transfer > this.#transfers) {
      throw badTransfer(`no file was asked for as transfer ${transfer}`);
    }
    return this.#upload?.transfer === transfer ? this.#upload : undefined;
  }

  // For the run.

  /** Whoever waits for a file is thrown the reason. Answers whether one was on its way, of which the rest is lost. */
  withdrawRequest(reason: unknown): boolean {
    const upload = this.#upload;
    if (upload === undefined || upload.over || upload.unwanted) {
      return false;
    }
    upload.fail(reason);
    this.#withdrawn = upload;
    return true;
  }

  /** The run is to end: nobody waits for the client any more. What modules still print is passed on. */
  stop(reason: unknown): void {
    this.#stopped ??= { reason };
    this.stdin.fail(reason);
    this.#upload?.fail(reason);
  }

  /** The run is over: the client gets the rest, then the outcome. What modules still say is refused. */
  end(outcome: Outcome): void {
    this.stop(outcome.error ?? over);
    if (!this.journal.closed) {
      this.journal.say({ kind: "end", outcome });
      this.journal.close(outcome.error ?? over);
    }
  }

  #refuseOver(): void {
    if (this.#stopped !== undefined) {
      throw this.#stopped.reason;
    }
  }

  async #say(kind: "print" | "stdout" | "stderr", bytes: Uint8Array): Promise<void> {
    if (bytes.length <= pieceBytes) {
      if (bytes.length > 0) {
        await this.journal.put({ kind, bytes });
      }
      return;
    }
    for (let start = 0; start < bytes.length; start += pieceBytes) {
      await this.journal.put({ kind, bytes: bytes.subarray(start, start + pieceBytes) });
    }
  }
}

const over = new DutError("canceled", "the run is over");

function notSent(name: string): DutError {
  return new DutError("aborted", `the client ended its input without sending ${quote(name)}`);
}

function badTransfer(problem: string): DutError {
  return new DutError("invalid_argument", `bad file transfer: ${problem}`);
}
