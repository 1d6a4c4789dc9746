import { type ClientHttp2Stream, constants, type Http2Session, type IncomingHttpHeaders } from "node:http2";
import { DutError } from "#pkg/errors/dut-error.ts";
import { meaningOf } from "../connection-loss.ts";
import { inadequateSecurity, tlsFault } from "../tls/tls-fault.ts";
import { endedWithoutStatus, refuseOtherThanGrpc, statusError } from "./status.ts";

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_INADEQUATE_SECURITY, NGHTTP2_NO_ERROR } = constants;

/** Errors that say no more than that the stream has ended before its time. */
const endings = new Set(["ERR_STREAM_PREMATURE_CLOSE", "ERR_HTTP2_STREAM_ERROR"]);

/** What a peer means by ending the whole connection, which says more than that it was lost. */
const meaningful = new Set([NGHTTP2_INADEQUATE_SECURITY, NGHTTP2_ENHANCE_YOUR_CALM]);

/** What comes back on the stream of a call, and what its end means. */
export class Answer {
  readonly #stream: ClientHttp2Stream;
  readonly #session: Http2Session | undefined;
  /** Resolves with the headers of gRPC; rejects for others, and when the stream ends without any. */
  readonly begun: Promise<void>;
  #headers: IncomingHttpHeaders = {};
  #trailers: IncomingHttpHeaders | undefined;

  constructor(stream: ClientHttp2Stream) {
    this.#stream = stream;
    this.#session = stream.session;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.begun = promise;
    stream.once("response", (headers) => {
      this.#headers = headers;
      resolve();
    });
    stream.once("trailers", (trailers) => {
      this.#trailers = trailers;
    });
    stream.on("error", reject);
    stream.once("close", () => reject(this.#withoutStatus()));
  }

  get headers(): IncomingHttpHeaders {
    return this.#headers;
  }

  /** The chunks of an answer that has any. */
  async *body(): AsyncGenerator<Buffer> {
    refuseOtherThanGrpc(this.#headers);
    if (this.#headers["grpc-status"] === undefined) {
      yield* this.#stream.iterator({ destroyOnReturn: false });
    }
  }

  /** Where the status is: behind the messages, or with the headers of an answer that is nothing else. */
  get status(): IncomingHttpHeaders {
    const fields = this.#trailers ?? this.#headers;
    if (fields["grpc-status"] === undefined) {
      throw this.#withoutStatus();
    }
    return fields;
  }

  /** What an error means. What the peer said about the end counts before how the stream ended. */
  faultOf(error: unknown): unknown {
    if (this.#trailers !== undefined && this.#trailers["grpc-status"] !== "0") {
      return statusError(this.#trailers);
    }
    if (error instanceof DutError || !isNodeError(error)) {
      return error;
    }
    if (endings.has(error.code) || meaningful.has(this.#stream.rstCode)) {
      return this.#withoutStatus();
    }
    return tlsFault(error, "the peer") ?? new DutError("unavailable", meaningOf(error), { cause: error });
  }

  #withoutStatus(): DutError {
    const { rstCode } = this.#stream;
    if (rstCode === NGHTTP2_INADEQUATE_SECURITY) {
      return inadequateSecurity(this.#session?.encrypted === true);
    }
    // A connection that is lost after the peer's goodbye may end its streams as if they were complete.
    const lost = rstCode === NGHTTP2_NO_ERROR && this.#session?.destroyed === true;
    return endedWithoutStatus(lost ? NGHTTP2_CANCEL : rstCode);
  }

  /**
   * Lets go of the stream: a peer that has not ended the call sees it cancelled. After its end our half ends too, by a
   * reset only when something is left to send: peers count resets against those who flood them.
   */
  leave(): void {
    const stream = this.#stream;
    const ended = this.#trailers !== undefined || this.#headers["grpc-status"] !== undefined;
    if (ended && stream.writable && stream.writableLength === 0) {
      stream.end();
    } else if (!stream.closed && !(ended && stream.writableEnded)) {
      stream.close(ended ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
    }
    stream.resume();
  }
}

function isNodeError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}
