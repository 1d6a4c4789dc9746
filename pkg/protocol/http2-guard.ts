import { constants, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { DutError } from "#pkg/errors/dut-error.ts";
import { type LimitName, limitNames } from "#pkg/metrics/limit-names.ts";
import { limits } from "./limits.ts";
import { TokenBucket } from "./token-bucket.ts";

interface Guarded {
  readonly session: ServerHttp2Session;
  readonly socket: Socket;
  /** After so many resets a session that ends by an error ends for them. */
  readonly resetBurst: number;
  /** Told once, when the peer has abused the session, which is over then. */
  readonly onAbuse: (limit: LimitName) => void;
}

/**
 * Ends a session whose peer sends more of what asks for nothing than a peer may, and notices when Node ends one for what
 * its peer did.
 */
export class Http2Guard {
  readonly #guarded: Guarded;
  readonly #useless = new TokenBucket(limits.uselessBytes);
  #openStreams = 0;
  #resets = 0;
  /** Whether a stream was open since the last look. */
  #used = false;
  #seen = 0;
  #over = false;

  constructor(guarded: Guarded) {
    this.#guarded = guarded;
    const { session, resetBurst } = guarded;
    const pings = new TokenBucket(limits.pings);
    const settings = new TokenBucket(limits.settings);
    session.on("ping", () => pings.take() || this.#end("ping_flood"));
    session.on("remoteSettings", () => settings.take() || this.#end("settings_flood"));
    session.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code?.startsWith("ERR_HTTP2_") === true) {
        this.#tell(this.#resets >= resetBurst ? "stream_resets" : "http2_protocol");
      }
    });
    session.on("stream", (stream) => {
      this.#used = true;
      this.#openStreams += 1;
      stream.once("close", () => {
        this.#openStreams -= 1;
        this.#resets += stream.aborted ? 1 : 0;
      });
    });
  }

  /** To be called every second: looks for what comes without any use. */
  look(): void {
    const { bytesRead } = this.#guarded.socket;
    const came = bytesRead - this.#seen;
    this.#seen = bytesRead;
    if (!this.#used && !this.#useless.take(came)) {
      this.#end("useless_frames");
    }
    this.#used = this.#openStreams > 0;
  }

  #end(limit: LimitName): void {
    this.#tell(limit);
    // Node tells the peer a code only with an error.
    const error = new DutError("resource_exhausted", limitNames[limit]);
    this.#guarded.session.destroy(error, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  #tell(limit: LimitName): void {
    if (!this.#over) {
      this.#over = true;
      this.#guarded.onAbuse(limit);
    }
  }
}
