import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import { DutError } from "#pkg/errors/dut-error.ts";

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;

/** The headers of an agent's answer, and whether they are all of it. */
export interface AnswerHead {
  readonly headers: IncomingHttpHeaders;
  readonly complete: boolean;
}

/** The agent's stream of a joined call, and what its end means. */
export class Upstream {
  readonly stream: ClientHttp2Stream;
  /** Resolves with the beginning of the answer; rejects with the reason when the stream breaks before. */
  readonly answered: Promise<AnswerHead>;
  /** Resolves when the stream is gone. */
  readonly closed: Promise<void>;
  readonly #session: ClientHttp2Stream["session"];
  #trailers: IncomingHttpHeaders | undefined;
  #fault: Error | undefined;

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream;
    this.#session = stream.session;
    const answered = Promise.withResolvers<AnswerHead>();
    const closed = Promise.withResolvers<void>();
    this.answered = answered.promise;
    this.closed = closed.promise;
    // A reset arrives as a close event with its code; the error event before it adds words.
    stream.on("error", (error) => {
      this.#fault ??= error;
      answered.reject(error);
    });
    stream.once("response", (headers, flags) => {
      answered.resolve({ headers, complete: (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0 });
    });
    stream.once("trailers", (trailers) => {
      this.#trailers = trailers;
    });
    stream.once("close", () => {
      answered.reject(new Error("the connection was lost"));
      closed.resolve();
    });
  }

  /** Whether the answer that has ended is whole. Node ends one that was reset, or whose connection was lost, alike. */
  get whole(): boolean {
    return this.#trailers !== undefined || (this.resetCode === NGHTTP2_NO_ERROR && !this.stream.aborted && !this.lost);
  }

  /** What stands behind a whole answer. */
  get trailers(): IncomingHttpHeaders {
    return this.#trailers ?? {};
  }

  /** Whether the connection to the agent is gone, not only this stream. */
  get lost(): boolean {
    return this.#session?.destroyed !== false;
  }

  /** Why the connection was lost, as far as this end knows. */
  get fault(): string {
    return this.#fault instanceof DutError ? this.#fault.message : "the connection was lost";
  }

  /** The code of HTTP/2 that the stream was closed with. */
  get resetCode(): number {
    return this.stream.rstCode ?? NGHTTP2_NO_ERROR;
  }

  /**
   * Nobody wants the answer any more. One that is complete needs no reset: its stream closes with our half, and closing it
   * with NO_ERROR would loop inside Node 26.10.
   */
  abandon(): void {
    if (this.stream.destroyed) {
      return;
    }
    if (this.stream.readableEnded) {
      this.stream.end();
    } else {
      this.stream.close(NGHTTP2_CANCEL);
    }
  }
}
