import { isUtf8 } from "node:buffer";

/** A line that goes on longer is cut here, so that a device without line ends costs no memory. */
const longestLine = 4 * 1024;

const newline = 0x0a;

/**
 * Makes lines of text of what a device says: the time at which a line began, in UTC, a letter of our own and the text,
 * such as `2026-03-01T12:00:00.123Z | login: `. `|` begins a line of the device, `+` goes on with one, `#` is a note of
 * ours. Bytes that are no text of one line are written as `\xNN`.
 */
export class RecordedLines {
  #begun: Buffer[] = [];
  #begunBytes = 0;
  #begunAt = new Date();
  #mark: "|" | "+" = "|";

  /** The lines that end in this piece. */
  write(piece: Uint8Array, at: Date): string {
    const text = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    const lines: string[] = [];
    let from = 0;
    while (from < text.length) {
      const end = text.indexOf(newline, from);
      const most = from + longestLine - this.#begunBytes;
      const isWhole = end !== -1 && end <= most;
      const to = isWhole ? end : Math.min(most, text.length);
      this.#begin(text.subarray(from, to), at);
      from = isWhole ? to + 1 : to;
      if (isWhole) {
        lines.push(this.#finish("|"));
      } else if (this.#begunBytes >= longestLine) {
        lines.push(this.#finish("+"));
      }
    }
    return lines.join("");
  }

  /** When the line began that has not ended, in Unix time of milliseconds; never when there is none. */
  get begunAt(): number {
    return this.#begunBytes > 0 ? this.#begunAt.getTime() : Number.POSITIVE_INFINITY;
  }

  /** The line that has begun, which goes on later; nothing when none has. */
  break(): string {
    return this.#begunBytes > 0 ? this.#finish("+") : "";
  }

  #begin(bytes: Buffer, at: Date): void {
    if (this.#begunBytes === 0) {
      this.#begunAt = at;
    }
    this.#begun.push(Buffer.from(bytes));
    this.#begunBytes += bytes.length;
  }

  #finish(next: "|" | "+"): string {
    const line = `${this.#begunAt.toISOString()} ${this.#mark} ${renderText(Buffer.concat(this.#begun))}\n`;
    this.#begun = [];
    this.#begunBytes = 0;
    this.#mark = next;
    return line;
  }
}

/** A note of ours between the lines. */
export function renderNote(text: string, at: Date): string {
  return `${at.toISOString()} # ${renderText(Buffer.from(text))}\n`;
}

/** What a terminal would obey, and what ends a line for some editors. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\0-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/g;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const noAscii = /[\0-\x08\x0a-\x1f\x7f-\xff]/g;

/** One line of UTF-8 without control characters. Carriage returns at the end are left out. */
function renderText(bytes: Buffer): string {
  const isText = isUtf8(bytes);
  const text = bytes.toString(isText ? "utf8" : "latin1").replace(/\r+$/, "");
  return text.replace(isText ? controls : noAscii, (character) =>
    Array.from(
      Buffer.from(character, isText ? "utf8" : "latin1"),
      (byte) => `\\x${byte.toString(16).padStart(2, "0")}`,
    ).join(""),
  );
}
