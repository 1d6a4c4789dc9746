const escapeByte = 0x1b;
const bell = 0x07;
const stringTerminator = 0x9c;
const backslash = 0x5c;

/** The bytes after ESC that open a sequence up to a string terminator: DCS, OSC, SOS, PM, APC. */
const stringOpeners: readonly number[] = Array.from("P]X^_", (letter) => letter.charCodeAt(0));
const operatingSystemCommand = 0x5d;

/** Where in a sequence the next byte stands (ECMA-48, 5.4 and 5.6). */
type Place = "text" | "escape" | "parameters" | "intermediates" | "string" | "string-escape";

/** A sequence longer than this that a piece leaves unfinished is taken for noise and forgotten. */
const unfinishedLimit = 16 * 1024;

/** Takes terminal escape sequences out of a stream of bytes, also those that pieces cut in two. */
export class EscapeFilter {
  #place: Place = "text";
  #command = false;
  #length = 0;

  /** The bytes of `piece` that are text. An unfinished sequence is kept back until it ends. */
  write(piece: Uint8Array): Uint8Array {
    if (this.#place === "text" && !piece.includes(escapeByte)) {
      return piece;
    }
    const text = Buffer.allocUnsafe(piece.length);
    let length = 0;
    for (const byte of piece) {
      const before = this.#place;
      const after = this.#next(byte);
      if (after === "text" && (before === "text" || this.#aborts(before, byte))) {
        text[length] = byte;
        length += 1;
      }
      this.#place = after;
      this.#length = after === "text" ? 0 : after === "escape" ? 1 : this.#length + 1;
    }
    if (this.#length > unfinishedLimit) {
      this.#place = "text";
      this.#length = 0;
    }
    return text.subarray(0, length);
  }

  #next(byte: number): Place {
    switch (this.#place) {
      case "text":
        return byte === escapeByte ? "escape" : "text";
      case "escape":
        this.#command = byte === operatingSystemCommand;
        if (stringOpeners.includes(byte)) {
          return "string";
        }
        return byte === 0x5b ? "parameters" : "text";
      case "parameters":
        if (byte >= 0x30 && byte <= 0x3f) {
          return "parameters";
        }
        return byte >= 0x20 && byte <= 0x2f ? "intermediates" : this.#final(byte);
      case "intermediates":
        return byte >= 0x20 && byte <= 0x2f ? "intermediates" : this.#final(byte);
      case "string-escape":
        return byte === backslash ? "text" : this.#inString(byte);
      case "string":
        return this.#inString(byte);
    }
  }

  #final(byte: number): Place {
    return byte === escapeByte ? "escape" : "text";
  }

  #inString(byte: number): Place {
    if (byte === stringTerminator || (this.#command && byte === bell)) {
      return "text";
    }
    return byte === escapeByte ? "string-escape" : "string";
  }

  /** Whether the byte is no part of the control sequence that it ended. */
  #aborts(place: Place, byte: number): boolean {
    return (place === "parameters" || place === "intermediates") && (byte < 0x40 || byte > 0x7e);
  }
}
