import { DutError } from "#pkg/errors/dut-error.ts";

/** What OpenSSL says when the peer answers a handshake in something else. */
const noTls = new Set([
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_UNKNOWN_PROTOCOL",
  "ERR_SSL_HTTP_REQUEST",
  "ERR_SSL_RECORD_LAYER_FAILURE",
]);
const noTls13 = new Set(["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "ERR_SSL_UNSUPPORTED_PROTOCOL"]);

/** An alert of the peer about our certificate, which comes when the handshake is over for us (RFC 8446, section 4.4.2.4). */
const aboutOwn =
  /^ERR_SSL_(?:TLSV1[0-9]*|SSLV3)_ALERT_(?:CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)/;

/** What an error of a secured connection means, unauthenticated; undefined for one that is not of TLS. */
export function tlsFault(error: unknown, peer: string): DutError | undefined {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const fault = (message: string, hint: string) => new DutError("unauthenticated", message, { hint, cause: error });
  if (noTls.has(code)) {
    return fault(`${peer} does not speak TLS`, "an address that is secured here is never spoken to in the clear");
  }
  if (noTls13.has(code)) {
    return fault(`${peer} does not speak TLS 1.3`, "nothing older is accepted");
  }
  if (aboutOwn.test(code)) {
    return fault(`${peer} does not accept who we are: it wants another certificate`, certificateHint);
  }
  return code.startsWith("ERR_SSL_") ? fault(`no TLS with ${peer}: ${code}`, "see the log there") : undefined;
}

const certificateHint = "-tls-cert and -tls-key show one";

/**
 * What a peer means that ends a connection because it is not protected well enough: in the clear, that it speaks TLS; in
 * TLS, that it wants a certificate.
 */
export function inadequateSecurity(encrypted: boolean): DutError {
  return encrypted
    ? new DutError("unauthenticated", "the peer wants a certificate that it accepts", { hint: certificateHint })
    : new DutError("unauthenticated", "the peer speaks TLS", {
        hint: "-tls-ca names the authority of its certificate",
      });
}
