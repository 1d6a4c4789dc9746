import { Code, ConnectError } from "@connectrpc/connect";
import { DutError, type DutErrorCode, dutErrorCodes, explain, messageOf } from "#pkg/errors/dut-error.ts";

/** The same words in the RPC library's numbers (google.rpc.Code). */
const codes = Object.fromEntries(dutErrorCodes.map((code, index) => [code, (index + 1) as Code])) as Readonly<
  Record<DutErrorCode, Code>
>;

/** What the peer is told about an error: its code, and its message with the hint. */
export function connectErrorFrom(error: unknown): ConnectError {
  if (error instanceof ConnectError) {
    return error;
  }
  if (error instanceof DutError) {
    return new ConnectError(explain(error), codes[error.code], undefined, undefined, error.cause);
  }
  return new ConnectError(messageOf(error), Code.Internal, undefined, undefined, error);
}

/** Errors of the connection itself, as Node names them. */
const lostConnection = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOENT",
  "EACCES",
  "EPIPE",
  "ETIMEDOUT",
  "ERR_HTTP2_ERROR",
  "ERR_HTTP2_GOAWAY_SESSION",
  "ERR_HTTP2_INVALID_SESSION",
  "ERR_HTTP2_SESSION_ERROR",
  "ERR_HTTP2_STREAM_CANCEL",
  "ERR_HTTP2_STREAM_ERROR",
  "ERR_STREAM_PREMATURE_CLOSE",
]);

const lostInTheMiddle = "the connection was lost";

/** How the RPC library reports a stream that ended without a status. */
const resetStream = "http/2 stream closed with error code";

/**
 * What a call's failure means. Node reports a peer that was killed in the middle of a stream as a cancelled one: unless
 * the caller's own signal was aborted, that is a lost connection (unavailable).
 */
export function dutErrorFrom(error: unknown, signal?: AbortSignal): DutError {
  if (error instanceof DutError) {
    return error;
  }
  const fault = ConnectError.from(error);
  if (signal?.aborted !== true) {
    const node = nodeErrorIn(error);
    if (node !== undefined) {
      const cut = node.code === "ERR_STREAM_PREMATURE_CLOSE";
      return new DutError("unavailable", cut ? lostInTheMiddle : node.message, { cause: error });
    }
    if (fault.code === Code.Canceled && fault.rawMessage.startsWith(resetStream)) {
      return new DutError("unavailable", lostInTheMiddle, { cause: error });
    }
  }
  const code = dutErrorCodes[fault.code - 1] ?? "unknown";
  return new DutError(code, fault.rawMessage, { cause: error });
}

function nodeErrorIn(error: unknown): { readonly code: string; readonly message: string } | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "string" && lostConnection.has(cause.code)) {
      return { code: cause.code, message: cause.message };
    }
    if (cause instanceof AggregateError && cause.errors.length > 0) {
      return nodeErrorIn(cause.errors[0]);
    }
    if (cause instanceof ConnectError && cause.cause === undefined) {
      return undefined;
    }
  }
  return undefined;
}
