/** The words of the wire for what went wrong: the status codes of gRPC and Connect. */
export const dutErrorCodes = [
  "canceled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
] as const;

export type DutErrorCode = (typeof dutErrorCodes)[number];

/**
 * What the programs throw at each other. `message` is one lower-case clause that names the thing, `hint` says what to
 * do next, `cause` is the rest.
 */
export class DutError extends Error {
  readonly code: DutErrorCode;
  readonly hint: string | undefined;

  constructor(code: DutErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "DutError";
    this.code = code;
    this.hint = options.hint;
  }
}

/** The sentence of any thrown value, for a message that quotes it. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Message and hint in one line, as a user reads them. */
export function explain(error: unknown): string {
  const message = messageOf(error);
  return error instanceof DutError && error.hint !== undefined ? `${message} (${error.hint})` : message;
}
