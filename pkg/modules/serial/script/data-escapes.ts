import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";

const singles: Readonly<Record<string, string>> = { r: "\r", n: "\n", t: "\t", "\\": "\\" };

/**
 * The bytes of a `send` argument: UTF-8, with the escapes \r \n \t \\ and \xNN.
 * Throws invalid_argument, without the argument itself, for any other backslash.
 */
export function decodeData(data: string): Uint8Array {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < data.length) {
    const backslash = data.indexOf("\\", at);
    const end = backslash === -1 ? data.length : backslash;
    parts.push(Buffer.from(data.slice(at, end)));
    if (backslash === -1) {
      break;
    }
    const letter = Array.from(data.slice(end + 1, end + 3))[0];
    if (letter === undefined) {
      throw invalid("trailing backslash");
    }
    if (letter === "x") {
      parts.push(Buffer.of(hexadecimal(data.slice(end + 2))));
      at = end + 4;
    } else if (Object.hasOwn(singles, letter)) {
      parts.push(Buffer.from(singles[letter] as string));
      at = end + 2;
    } else {
      throw invalid(`unknown escape ${quote(`\\${letter}`)}`);
    }
  }
  return Buffer.concat(parts);
}

function hexadecimal(rest: string): number {
  const bytes = Buffer.from(rest.slice(0, 2));
  if (bytes.length < 2) {
    throw invalid("\\x requires two hex digits");
  }
  const digits = rest.slice(0, 2);
  if (!/^[0-9a-fA-F]{2}$/.test(digits)) {
    throw invalid(`invalid \\x escape ${quote(digits)}: strconv.ParseUint: parsing ${quote(digits)}: invalid syntax`);
  }
  return Number.parseInt(digits, 16);
}

function invalid(problem: string): DutError {
  return new DutError("invalid_argument", problem, { hint: "the escapes are \\r \\n \\t \\\\ and \\xNN" });
}
