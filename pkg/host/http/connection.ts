import { once } from "node:events";
import { isIP, connect as netConnect, type Socket } from "node:net";
import { type TLSSocket, connect as tlsConnect } from "node:tls";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { HttpTls } from "../http.ts";

/** A connection that requests may be written to: with https, to a peer whose certificate has been accepted. */
export async function connect(url: URL, tls: HttpTls, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol === "http:") {
    return await opened(netConnect({ host, port: Number(url.port || 80) }), "connect", signal);
  }
  const socket = tlsConnect({
    host,
    port: Number(url.port || 443),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ALPNProtocols: ["http/1.1"],
    // Who is refused is judged below, where the certificate can be named.
    rejectUnauthorized: false,
  });
  await opened(socket, "secureConnect", signal);
  try {
    judge(socket, tls, url.host);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
}

async function opened<Kind extends Socket>(socket: Kind, event: string, signal: AbortSignal): Promise<Kind> {
  try {
    await once(socket, event, { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** OpenSSL's names for what is wrong with a certificate, as Node gives them. */
const problems: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "it is signed by itself",
  SELF_SIGNED_CERT_IN_CHAIN: "its authority is not trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its authority is not trusted",
  UNABLE_TO_GET_ISSUER_CERT: "its authority is not trusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its authority is not trusted",
  CERT_HAS_EXPIRED: "it has expired, or the clock here is wrong",
  CERT_NOT_YET_VALID: "it is not valid yet, or the clock here is wrong",
  ERR_TLS_CERT_ALTNAME_INVALID: "it is for another name",
};

/** Throws unauthenticated, with the fingerprint that was shown: nothing has been sent to the peer yet. */
function judge(socket: TLSSocket, { fingerprint, insecure }: HttpTls, peer: string): void {
  const shown = socket.getPeerX509Certificate()?.fingerprint256 ?? "none";
  if (fingerprint !== undefined) {
    if (plain(fingerprint) !== plain(shown)) {
      throw refused(
        peer,
        "it is not the one whose fingerprint is configured",
        `shown was ${shown}; somebody may be in between`,
      );
    }
    return;
  }
  // Typed as an Error, but Node stores the code.
  const problem = socket.authorizationError as unknown as string | null | undefined;
  if (insecure !== true && !socket.authorized) {
    const words = problems[String(problem)] ?? String(problem);
    throw refused(peer, words, `if this is the right device, configure its fingerprint ${shown} or its authority`);
  }
}

const plain = (fingerprint: string) => fingerprint.replaceAll(":", "").toLowerCase();

function refused(peer: string, why: string, hint: string): DutError {
  return new DutError("unauthenticated", `the certificate of ${peer} is not accepted: ${why}`, { hint });
}
