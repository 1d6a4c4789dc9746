import { constants, type IncomingHttpHeaders } from "node:http2";
import { DutError, type DutErrorCode, dutErrorCodes } from "#pkg/errors/dut-error.ts";

/** The cause of an error that the peer itself answered with. */
class PeerStatus extends Error {}

/** True for an error that the peer answered with: whatever it says, the peer was reached. */
export function saidByPeer(error: unknown): boolean {
  return error instanceof DutError && error.cause instanceof PeerStatus;
}

/** The cause of an error that broke a call which the peer may have begun to answer. */
export class BrokenCall extends Error {}

/** True for a call that broke in the middle: nobody knows what has become of it at the peer. */
export function brokeInTheMiddle(error: DutError): boolean {
  return error.cause instanceof BrokenCall;
}

/** Throws the error that the fields report, if they do. */
export function throwUnlessOk(fields: IncomingHttpHeaders): void {
  if (fields["grpc-status"] !== "0") {
    throw statusError(fields);
  }
}

/** The error in trailers, or in the headers of an answer that has nothing else. */
export function statusError(fields: IncomingHttpHeaders): DutError {
  const status = String(fields["grpc-status"]);
  const code = /^\d+$/.test(status) ? (dutErrorCodes[Number(status) - 1] ?? "unknown") : "internal";
  const message = decoded(String(fields["grpc-message"] ?? ""));
  return new DutError(code, message, { cause: new PeerStatus(`grpc-status ${status}`) });
}

/** What a stream that ended without a status means, by the code it was closed with (gRPC over HTTP/2, "Errors"). */
export function endedWithoutStatus(resetCode: number | undefined): DutError {
  switch (resetCode) {
    case constants.NGHTTP2_NO_ERROR:
      return new DutError("internal", "the peer ended the call without a status");
    case undefined:
    case constants.NGHTTP2_CANCEL:
      // Node closes the streams of a lost connection as cancelled ones; a peer cancels by a status.
      return new DutError("unavailable", "the connection was lost");
    case constants.NGHTTP2_REFUSED_STREAM:
      return new DutError("unavailable", "the peer takes no more calls");
    case constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return new DutError("resource_exhausted", "the peer wants fewer calls or connections");
    default:
      return new DutError("internal", `the peer reset the call with code ${resetCode} of HTTP/2`);
  }
}

/**
 * Throws when an answer's headers are not those of gRPC: internal for another content type, and what the protocol
 * prescribes for a status that some proxy on the way has set.
 */
export function refuseOtherThanGrpc(headers: IncomingHttpHeaders): void {
  const status = Number(headers[":status"]);
  const contentType = headers["content-type"] ?? "";
  if (status !== 200) {
    if (headers["grpc-status"] !== undefined) {
      throw statusError(headers);
    }
    throw new DutError(codeOfHttpStatus(status), `the peer answers with HTTP status ${status}`, {
      cause: new PeerStatus(`HTTP status ${status}`),
    });
  }
  if (!/^application\/grpc(?:\+proto)?(?:$|[ ;])/.test(contentType)) {
    throw new DutError("internal", `the peer answers with content type "${contentType}", which is not gRPC`);
  }
}

/** gRPC, "HTTP to gRPC status code mapping". */
function codeOfHttpStatus(status: number): DutErrorCode {
  switch (status) {
    case 400:
      return "internal";
    case 401:
      return "unauthenticated";
    case 403:
      return "permission_denied";
    case 404:
      return "unimplemented";
    case 429:
    case 502:
    case 503:
    case 504:
      return "unavailable";
    default:
      return "unknown";
  }
}

/** Messages travel percent-encoded; one that is not is shown as it came. */
function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch (error) {
    if (error instanceof URIError) {
      return message;
    }
    throw error;
  }
}
