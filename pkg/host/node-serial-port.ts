import { addAbortListener } from "node:events";
import { closeSync, fstatSync, readSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import type { ReadStream } from "node:tty";
import { DutError } from "#pkg/errors/dut-error.ts";
import { lockTerminal, unlockTerminal } from "./serial/advisory-lock.ts";
import { type ModemLine, sendBreak, setModemLine } from "./serial/modem-lines.ts";
import type { LineSettings, SerialPort } from "./serial-ports.ts";
import { configureTerminal } from "./serial-terminal.ts";

/** What is kept for a slow reader before the kernel's buffer fills: over a minute at 115,200 baud. */
const unreadLimit = 1024 * 1024;

/** What a reader gets at most in one piece. */
const pieceLimit = 64 * 1024;

/** The line discipline of Linux (N_TTY) keeps one byte less than a page; when it was full, more may stand behind it. */
const kernelBuffer = 4095;

/** Enough to empty the 64 KiB behind that buffer, and an end when a device talks faster than we throw away. */
const flushRounds = 32;

type State = { kind: "open" } | { kind: "lost"; error: DutError } | { kind: "closed" };

interface OpenTerminal {
  readonly path: string;
  /** Made from the descriptor `streamFd`. */
  readonly stream: ReadStream;
  readonly streamFd: number;
  /** A second opening of the same device. */
  readonly control: FileHandle;
  /** Whether `control` has the advisory lock. */
  readonly isExclusive: boolean;
  /** Told when it is closed. */
  release(): void;
}

/** A terminal that is read from the moment it is made. */
export class NodeSerialPort implements SerialPort {
  readonly received: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => this.#pieces() };
  readonly #path: string;
  readonly #stream: ReadStream;
  readonly #control: FileHandle;
  readonly #streamClosed: Promise<void>;
  readonly #isExclusive: boolean;
  readonly #release: () => void;
  #closing: Promise<void> | undefined;
  #state: State = { kind: "open" };
  #unread: Buffer[] = [];
  #unreadBytes = 0;
  #changed = Promise.withResolvers<void>();

  constructor({ path, stream, streamFd, control, isExclusive, release }: OpenTerminal) {
    this.#path = path;
    this.#isExclusive = isExclusive;
    this.#stream = stream;
    this.#control = control;
    this.#release = release;
    const streamClosed = Promise.withResolvers<void>();
    this.#streamClosed = streamClosed.promise;
    stream.on("data", (bytes: Buffer) => this.#keep(bytes));
    stream.on("end", () => this.#lose(undefined));
    stream.on("error", (error) => this.#lose(error));
    stream.on("close", () => {
      this.#lose(undefined);
      closeIfSameDevice(streamFd, control.fd);
      streamClosed.resolve();
    });
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#refuseGone();
    const taken = Promise.withResolvers<void>();
    using _ = addAbortListener(signal, () => taken.reject(signal.reason));
    this.#stream.write(bytes, (error) => (error ? taken.reject(this.#gone(error)) : taken.resolve()));
    await taken.promise;
  }

  async flush(): Promise<void> {
    for (let round = 0; round < flushRounds && this.#flushKernel() >= kernelBuffer; round += 1) {
      // The kernel moves what stands behind a full buffer up in a worker of its own.
      await setTimeout(2);
    }
    while (this.#stream.read() !== null) {
      // A paused stream may hold one piece back.
    }
    this.#unread = [];
    this.#unreadBytes = 0;
    this.#stream.resume();
  }

  async configure(settings: LineSettings): Promise<void> {
    this.#refuseGone();
    await configureTerminal(this.#path, settings);
  }

  async claim(): Promise<AsyncDisposable> {
    this.#refuseGone();
    if (this.#isExclusive) {
      return { async [Symbol.asyncDispose]() {} };
    }
    await lockTerminal(this.#control.fd, this.#path);
    return {
      [Symbol.asyncDispose]: async () => {
        if (this.#closing === undefined) {
          await unlockTerminal(this.#control.fd, this.#path);
        }
      },
    };
  }

  async setLine(line: ModemLine, on: boolean): Promise<void> {
    this.#refuseGone();
    await setModemLine(this.#control.fd, this.#path, line, on);
  }

  async sendBreak(milliseconds: number): Promise<void> {
    this.#refuseGone();
    await sendBreak(this.#control.fd, this.#path, milliseconds);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#move({ kind: "closed" });
    this.#stream.destroy();
    await this.#streamClosed;
    // The last close of a terminal waits until it has sent everything, so it is done off the main thread.
    await this.#control.close().finally(this.#release);
  }

  #keep(bytes: Buffer): void {
    this.#unread.push(bytes);
    this.#unreadBytes += bytes.length;
    if (this.#unreadBytes >= unreadLimit) {
      this.#stream.pause();
    }
    this.#wake();
  }

  #lose(cause: Error | undefined): void {
    if (this.#state.kind === "open") {
      this.#move({ kind: "lost", error: this.#gone(cause) });
    }
  }

  #move(state: State): void {
    this.#state = state;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async *#pieces(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      if (this.#state.kind === "closed") {
        return;
      }
      const { promise: changed } = this.#changed;
      if (this.#unreadBytes > 0) {
        yield this.#take();
      } else if (this.#state.kind === "lost") {
        throw this.#state.error;
      } else {
        await changed;
      }
    }
  }

  #take(): Buffer {
    const all = this.#unread.length === 1 ? (this.#unread[0] as Buffer) : Buffer.concat(this.#unread);
    const piece = all.subarray(0, pieceLimit);
    this.#unread = piece.length < all.length ? [all.subarray(pieceLimit)] : [];
    this.#unreadBytes -= piece.length;
    if (this.#unreadBytes < unreadLimit) {
      this.#stream.resume();
    }
    return piece;
  }

  /** Bytes thrown away. */
  #flushKernel(): number {
    const bin = Buffer.allocUnsafe(kernelBuffer + 1);
    let thrown = 0;
    try {
      for (let got = readSync(this.#control.fd, bin); got > 0 && thrown < pieceLimit; ) {
        thrown += got;
        got = readSync(this.#control.fd, bin);
      }
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== "EAGAIN" && code !== "EIO") {
        throw error;
      }
    }
    return thrown;
  }

  #refuseGone(): void {
    if (this.#state.kind !== "open") {
      throw this.#gone(undefined);
    }
  }

  #gone(cause: Error | undefined): DutError {
    const message = this.#state.kind === "closed" ? `serial port ${this.#path} is closed` : `${this.#path} went away`;
    return new DutError("unavailable", message, { hint: "check the cable and the power of the adapter", cause });
  }
}

/**
 * Node gives a terminal's stream a descriptor of its own and leaves the one it was made from to us, except when the
 * device cannot be opened by its name again: then the stream has closed ours, and the number may be someone else's.
 */
function closeIfSameDevice(fd: number, controlFd: number): void {
  try {
    if (fstatSync(fd).rdev === fstatSync(controlFd).rdev) {
      closeSync(fd);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EBADF") {
      throw error;
    }
  }
}
