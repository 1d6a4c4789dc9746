/** Two-character escapes of Go's strconv.Quote. */
const shortEscapes: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/** What Go prints as it is: letters, marks, numbers, punctuation, symbols and the ASCII blank (unicode.IsPrint). */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** A string as Go's `%q` prints it. Nothing in the result can steer a terminal. */
export function quote(text: string): string {
  return `"${Array.from(text, escaped).join("")}"`;
}

function escaped(character: string): string {
  const short = shortEscapes[character];
  if (short !== undefined) {
    return short;
  }
  if (printable.test(character)) {
    return character;
  }
  const point = character.codePointAt(0) as number;
  if (point < 0x80) {
    return `\\x${point.toString(16).padStart(2, "0")}`;
  }
  return point <= 0xffff
    ? `\\u${(point >= 0xd800 && point <= 0xdfff ? 0xfffd : point).toString(16).padStart(4, "0")}`
    : `\\U${point.toString(16).padStart(8, "0")}`;
}
