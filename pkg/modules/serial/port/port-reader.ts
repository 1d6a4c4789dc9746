import { DutError } from "#pkg/errors/dut-error.ts";
import type { SerialPort } from "#pkg/host/serial-ports.ts";
import type { History } from "./history.ts";
import type { News } from "./news.ts";

/** What a reader gets at most in one piece. */
const pieceLimit = 64 * 1024;

/** A port from its opening until it went away or was closed. */
export interface Connection {
  readonly port: SerialPort;
  /** Where in the history it ended, and why; undefined while it lasts. */
  ended: { readonly offset: number; readonly error: unknown } | undefined;
}

/** What a reader reads from. */
export interface Source {
  readonly history: History;
  readonly news: News;
  /** Undefined while there is none. */
  readonly connection: Connection | undefined;
  /** Aborts when there will be none any more. */
  readonly over: AbortSignal;
  leave(reader: PortReader): void;
}

/** What was read at once. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** How many bytes before these the reader came too late for. */
  readonly missed: number;
}

/** One of those who read a shared port, at its own place in the history. Disposing leaves. */
export class PortReader implements Disposable {
  readonly #source: Source;
  /** Whether the port is not read further than this one can follow. */
  isWaitedFor = false;
  #offset: number;
  #connection: Connection | undefined;

  constructor(source: Source, offset: number) {
    this.#source = source;
    this.#offset = offset;
    this.#connection = source.connection;
  }

  /** The offset of what it reads next. */
  get offset(): number {
    return this.#offset;
  }

  /** What is in the history and was not read yet; undefined when that is all. */
  take(): Piece | undefined {
    const { history, news } = this.#source;
    const end = this.#connection?.ended?.offset ?? history.end;
    const from = Math.max(this.#offset, history.start);
    if (from >= end) {
      return undefined;
    }
    const missed = from - this.#offset;
    const bytes = history.read(from, Math.min(pieceLimit, end - from));
    this.#offset = from + bytes.length;
    if (this.isWaitedFor) {
      news.tell();
    }
    return { bytes, missed };
  }

  /**
   * The next of what arrives. Throws what ended the connection, after everything that arrived before, and the signal's
   * reason as soon as it aborts.
   */
  async next(signal: AbortSignal): Promise<Piece> {
    for (;;) {
      signal.throwIfAborted();
      const piece = this.take();
      if (piece !== undefined) {
        return piece;
      }
      if (this.#connection?.ended !== undefined) {
        throw this.#connection.ended.error;
      }
      await this.#source.news.wait(signal);
    }
  }

  /** Waits for the port to be there (again) and goes on with what arrives then. Throws unavailable when it never will. */
  async reconnected(signal: AbortSignal): Promise<void> {
    const over = AbortSignal.any([signal, this.#source.over]);
    while (this.#source.connection === undefined) {
      await this.#source.news.wait(over);
    }
    this.follow(this.#source.connection);
  }

  /** Reads from this connection from now on. */
  follow(connection: Connection): void {
    this.#connection = connection;
  }

  /** The port as long as it is there; throws unavailable while it is not. */
  get port(): SerialPort {
    if (this.#connection === undefined || this.#connection.ended !== undefined) {
      throw this.#connection?.ended?.error ?? new DutError("unavailable", "the serial port is not there");
    }
    return this.#connection.port;
  }

  [Symbol.dispose](): void {
    this.#source.leave(this);
  }
}
