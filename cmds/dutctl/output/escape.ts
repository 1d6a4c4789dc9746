/** What steers or deceives a terminal: controls, C1, line separators, zero-width and bidirectional characters. */
const steering = /[\p{Cc}\p{Cs}\u2028\u2029\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/gu;

const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A name from a peer as a terminal may show it: one line, every steering character escaped as in Go. */
export function escapeLabel(text: string): string {
  return text.replace(steering, (character) => short[character] ?? hexEscape(character));
}

/** A text of several lines from a peer: as a label, but newlines and tabs stay. */
export function escapeText(text: string): string {
  return text.replace(steering, (character) =>
    character === "\n" || character === "\t" ? character : (short[character] ?? hexEscape(character)),
  );
}

/** Steering characters in a JSON document, which may stand in its strings only, as JSON escapes. */
export function escapeJson(document: string): string {
  return document.replace(steering, (character) => (character === "\n" ? character : unicodeEscape(character)));
}

function hexEscape(character: string): string {
  const point = character.codePointAt(0) as number;
  return point < 0x80 ? `\\x${point.toString(16).padStart(2, "0")}` : unicodeEscape(character);
}

function unicodeEscape(character: string): string {
  return `\\u${(character.codePointAt(0) as number).toString(16).padStart(4, "0")}`;
}
