import { constants, X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { limits } from "../limits.ts";

/** What a listener shows of itself, and whom it trusts. All of it is text in PEM. */
export interface ServerTls {
  /** The certificate with what leads to its authority, best with that one too: a client can then name it. */
  readonly cert: string;
  readonly key: string;
  /** Every client needs a certificate of one of these authorities; undefined asks for none. */
  readonly clientCa: string | undefined;
}

/** What a TLS port offers. What is spoken then, the first bytes say, as without TLS. */
const offered = ["h2", "http/1.1"];

/** Makes connections in TLS 1.3 of connections. */
export class TlsGate {
  readonly #handshakeMs: number;
  readonly #waiting = new Map<Socket, PromiseWithResolvers<TLSSocket>>();
  #tls: ServerTls;
  #server: Server;
  #own: X509Certificate;

  /** Throws invalid_argument for a certificate and a key that are none. A handshake may take so many milliseconds. */
  constructor(tls: ServerTls, handshakeMs: number = limits.handshakeMs) {
    this.#handshakeMs = handshakeMs;
    this.#tls = tls;
    this.#server = this.#serverOf(tls);
    this.#own = new X509Certificate(tls.cert);
  }

  /** For connections from now on. Throws as the constructor, and then nothing is changed. */
  replace(tls: ServerTls): void {
    this.#server = this.#serverOf(tls);
    this.#own = new X509Certificate(tls.cert);
    this.#tls = tls;
  }

  /** What it shows and trusts now. */
  get tls(): ServerTls {
    return this.#tls;
  }

  /** Whether its certificate is for this name. */
  isFor(host: string): boolean {
    return this.#own.checkHost(host) !== undefined;
  }

  /**
   * Resolves with the secured socket. Where certificates are wanted, `authorized` says whether the peer has shown one that
   * will do: one that has not is secured all the same, so that it can be told. Rejects when there is no handshake in
   * time, with the socket destroyed.
   */
  async admit(socket: Socket): Promise<TLSSocket> {
    const waiting = Promise.withResolvers<TLSSocket>();
    this.#waiting.set(socket, waiting);
    this.#server.emit("connection", socket);
    try {
      return await waiting.promise;
    } finally {
      this.#waiting.delete(socket);
    }
  }

  #serverOf({ cert, key, clientCa }: ServerTls): Server {
    let server: Server;
    try {
      server = createServer({
        cert,
        key,
        minVersion: "TLSv1.3",
        ALPNProtocols: offered,
        handshakeTimeout: this.#handshakeMs,
        // A resumed session is not asked for its certificate again, whatever has expired or been replaced meanwhile.
        secureOptions: constants.SSL_OP_NO_TICKET,
        ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: false }),
      });
    } catch (error) {
      throw new DutError("invalid_argument", `the certificate and its key cannot be used: ${messageOf(error)}`, {
        cause: error,
      });
    }
    server.on("secureConnection", (secured) => this.#waiting.get(below(secured))?.resolve(secured));
    server.on("tlsClientError", (error, secured) => this.#waiting.get(below(secured))?.reject(error));
    return server;
  }
}

/** The socket that a secured one was made of: Node keeps it, and has no public name for it. */
function below(secured: TLSSocket): Socket {
  return (secured as TLSSocket & { readonly _parent: Socket })._parent;
}
