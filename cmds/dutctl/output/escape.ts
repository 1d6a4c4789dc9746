/** What steers or deceives a terminal: controls, C1, line separators, zero-width and bidirectional characters. */
const steering =
  /[\p{Cc}\p{Cs}\u2028\u2029\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** Characters of a name that are shown; a peer chooses how long its names are. */
const longestLabel = 256;

/** Characters of a text of several lines. */
const longestText = 64 * 1024;

const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A name from a peer as it may be shown: one line, not too long, every steering character escaped as in Go. */
export function escapeLabel(text: string, longest: number = longestLabel): string {
  return cut(text, longest).replace(steering, (character) => short[character] ?? hexEscape(character));
}

/** A text of several lines from a peer: as a label, but newlines and tabs stay. */
export function escapeText(text: string, longest: number = longestText): string {
  return cut(text, longest).replace(steering, (character) =>
    character === "\n" || character === "\t" ? character : (short[character] ?? hexEscape(character)),
  );
}

/** Steering characters in a JSON document, which may stand in its strings only, as JSON escapes. */
export function escapeJson(document: string): string {
  return document.replace(steering, (character) => (character === "\n" ? character : unicodeEscape(character)));
}

/** A value for a format of one line: as a label of any length, with the backslash doubled so that it can be read back. */
export function escapeField(text: string): string {
  return escapeLabel(text.replaceAll("\\", "\\\\"), Number.POSITIVE_INFINITY);
}

/** The beginning of a text, with `…` for the rest. */
export function cut(text: string, longest: number = longestLabel): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** A lone surrogate U+DC80 to U+DCFF stands for a byte that is no UTF-8. */
function hexEscape(character: string): string {
  const unit = character.charCodeAt(0);
  const point = unit >= 0xdc80 && unit <= 0xdcff ? unit - 0xdc00 : unit;
  return point < 0x80 || point !== unit ? `\\x${point.toString(16).padStart(2, "0")}` : unicodeEscape(character);
}

/** In the way that JSON shares with Go for what is not beyond the basic plane. */
function unicodeEscape(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    const unit = character.charCodeAt(at).toString(16).padStart(4, "0");
    return `\\u${unit}`;
  }).join("");
}
