import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { peerOfCertificate, setPeer } from "#pkg/auth/peer.ts";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { recognise } from "../first-bytes.ts";
import { sayFarewell } from "./farewell.ts";
import type { TlsGate } from "./gate.ts";

/** A connection that may come in, in the clear or secured, and what it speaks. */
export interface Entered {
  readonly socket: Socket;
  readonly protocol: "http1" | "http2";
}

export interface EntranceOptions {
  /** Undefined for a port in the clear. */
  readonly gate: TlsGate | undefined;
  /** For the first bytes, before and behind the encryption. */
  readonly firstBytesMs: number;
  /** Peers can cause as many lines as they like. */
  readonly log: Log;
}

/** Where connections come in: what speaks the wrong thing is told so as far as it can hear it, and is closed. */
export class Entrance {
  readonly #gate: TlsGate | undefined;
  readonly #firstBytesMs: number;
  readonly #log: Log;

  constructor({ gate, firstBytesMs, log }: EntranceOptions) {
    this.#gate = gate;
    this.#firstBytesMs = firstBytesMs;
    this.#log = log;
  }

  /** Resolves with undefined for a connection that has been answered and closes by itself. Throws for one to be dropped. */
  async pass(socket: Socket): Promise<Entered | undefined> {
    const spoken = await recognise(socket, this.#firstBytesMs);
    const remote = socket.remoteAddress;
    if (this.#gate === undefined) {
      if (spoken !== "tls") {
        return { socket, protocol: spoken };
      }
      this.#log.warn("connection refused, it speaks TLS and this port does not", { remote });
      // A TLS client shows nothing of it, but takes an answer in HTTP for the sign of a port without TLS.
      sayFarewell(socket, "http1", 400, "this port does not speak TLS");
      return undefined;
    }
    if (spoken !== "tls") {
      this.#log.warn("connection refused, this port speaks TLS and it does not", { remote });
      sayFarewell(socket, spoken, 400, "this port speaks TLS");
      return undefined;
    }
    return this.#secure(socket, this.#gate);
  }

  async #secure(socket: Socket, gate: TlsGate): Promise<Entered | undefined> {
    const { remoteAddress: remote } = socket;
    const { clientCa } = gate.tls;
    let secured: TLSSocket;
    try {
      secured = await gate.admit(socket);
    } catch (error) {
      this.#log.warn("connection refused, no TLS was agreed on", { remote, err: messageOf(error) });
      throw error;
    }
    secured.on("error", (error) => {
      this.#log.debug("connection failed", { err: error });
      socket.destroy();
    });
    const protocol = await recognise(secured, this.#firstBytesMs);
    if (protocol === "tls") {
      throw new DutError("canceled", "the peer speaks TLS inside TLS");
    }
    if (clientCa !== undefined) {
      const certificate = goodCertificateOf(secured);
      if (certificate === undefined) {
        this.#log.warn("connection refused, its certificate is missing or wrong", { remote, err: reasonOf(secured) });
        sayFarewell(secured, protocol, 403, "this port wants a certificate of the authority that it trusts");
        return undefined;
      }
      setPeer(secured, peerOfCertificate(certificate));
    }
    return { socket: secured, protocol };
  }
}

function goodCertificateOf(secured: TLSSocket): X509Certificate | undefined {
  // Node calls a resumed session authorized although it has shown nothing; none is resumed here, and none would pass.
  return secured.authorized && !secured.isSessionReused() ? secured.getPeerX509Certificate() : undefined;
}

/** Why the certificate will not do, in the code of OpenSSL; without a certificate that has no meaning. */
function reasonOf(secured: TLSSocket): string {
  return secured.getPeerX509Certificate() === undefined ? "no certificate" : String(secured.authorizationError);
}
