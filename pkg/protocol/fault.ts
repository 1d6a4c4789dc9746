import { Code, ConnectError } from "@connectrpc/connect";
import { DutError, type DutErrorCode, dutErrorCodes, explain, messageOf } from "#pkg/errors/dut-error.ts";

/** The same words in the RPC library's numbers (google.rpc.Code). */
const codes = Object.fromEntries(dutErrorCodes.map((code, index) => [code, (index + 1) as Code])) as Readonly<
  Record<DutErrorCode, Code>
>;

/** What the encoded message of an error may have: HTTP/2 resets a call whose trailers have more than 64 KiB, in bytes. */
const longestMessage = 48 * 1024;

/** The whole text, or its beginning and its end where trailers could not carry it; 5,000 characters are 45,000 bytes at most. */
function carried(text: string): string {
  const whole = text.toWellFormed();
  return encodeURIComponent(whole).length <= longestMessage
    ? whole
    : `${whole.slice(0, 4_000)} … ${whole.slice(-1_000)}`.toWellFormed();
}

/** What the peer is told about an error: its code, and its message with the hint. */
export function connectErrorFrom(error: unknown): ConnectError {
  if (error instanceof ConnectError) {
    return error;
  }
  if (error instanceof DutError) {
    return new ConnectError(carried(explain(error)), codes[error.code], undefined, undefined, error.cause);
  }
  return new ConnectError(carried(messageOf(error)), Code.Internal, undefined, undefined, error);
}

/** What an error of the RPC library says; a DutError is what it is. */
export function dutErrorFrom(error: unknown): DutError {
  if (error instanceof DutError) {
    return error;
  }
  const fault = ConnectError.from(error);
  return new DutError(dutErrorCodes[fault.code - 1] ?? "unknown", fault.rawMessage, { cause: error });
}
