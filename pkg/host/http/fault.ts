import { DutError, type DutErrorCode, messageOf } from "#pkg/errors/dut-error.ts";
import { errnoOf } from "../errno.ts";

interface Meaning {
  readonly code: DutErrorCode;
  readonly words: string;
  readonly hint?: string;
}

const unreachable = (words: string): Meaning => ({
  code: "unavailable",
  words,
  hint: "is the device on, is its address right, and is there a way to it from this computer?",
});

const hungUp: Meaning = { code: "unavailable", words: "it closed the connection before it had answered" };

const nameless: Meaning = {
  code: "not_found",
  words: "nobody knows this name",
  hint: "check the name, or use the IP address",
};

/** Names of errno(3), of getaddrinfo(3). */
const meanings: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: {
    code: "unavailable",
    words: "it refused the connection",
    hint: "is the port right, and does the device have this service switched on?",
  },
  EHOSTUNREACH: unreachable("it cannot be reached"),
  EHOSTDOWN: unreachable("it cannot be reached"),
  ENETUNREACH: unreachable("its network cannot be reached"),
  EADDRNOTAVAIL: unreachable("it cannot be reached"),
  ETIMEDOUT: unreachable("it does not answer"),
  ENOTFOUND: nameless,
  EAI_AGAIN: {
    code: "unavailable",
    words: "the name server does not answer",
    hint: "use the IP address, or try again",
  },
  ECONNRESET: hungUp,
  EPIPE: hungUp,
  ERR_INVALID_CHAR: { code: "invalid_argument", words: "a header holds what HTTP cannot say" },
  ERR_INVALID_HTTP_TOKEN: { code: "invalid_argument", words: "the method or the name of a header is no word" },
  HPE_HEADER_OVERFLOW: { code: "data_loss", words: "the head of its answer is too long" },
};

/** Codes that come in families. */
function familyOf(code: string): Meaning | undefined {
  if (code.startsWith("HPE_")) {
    return {
      code: "data_loss",
      words: "its answer is not HTTP",
      hint: "is it the right port, and http or https as configured?",
    };
  }
  if (code === "EPROTO" || code.startsWith("ERR_SSL_")) {
    return {
      code: "unavailable",
      words: "TLS was not agreed on",
      hint: "does this port speak https, and TLS 1.2 or newer?",
    };
  }
  return undefined;
}

/** What an error of Node's network means, as a sentence that begins with what was being done. A DutError is what it is. */
export function networkFault(error: unknown, doing: string): DutError {
  if (error instanceof DutError) {
    return error;
  }
  const code = errnoOf(error) ?? "";
  const { words, hint, ...meaning } = (Object.hasOwn(meanings, code) ? meanings[code] : familyOf(code)) ?? {
    code: "internal" as const,
    words: messageOf(error),
  };
  return new DutError(meaning.code, `${doing}: ${words}`, { ...(hint === undefined ? {} : { hint }), cause: error });
}

/** A time limit that the peer did not keep. */
export function tooLate(doing: string, milliseconds: number, what: string): DutError {
  return new DutError("deadline_exceeded", `${doing}: ${what} within ${milliseconds} ms`, {
    hint: "is the device busy or stuck?",
  });
}
