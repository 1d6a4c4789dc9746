import { stripVTControlCharacters } from "node:util";

/** Characters of two columns: East Asian ones, and those that are shown as pictures. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** Marks that sit on the character before, and what cannot be seen. */
const narrow = /[\p{Mn}\p{Me}\p{Cf}\p{Cc}]/u;

/** How many columns a line takes on a terminal. Colours take none. */
export function displayWidth(line: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(line)) {
    width += widthOf(character);
  }
  return width;
}

/** The beginning of a plain text that fits into the columns; what is cut off is told by `…`. */
export function fitted(text: string, columns: number): string {
  if (displayWidth(text) <= columns) {
    return text;
  }
  let width = 0;
  let kept = "";
  for (const character of text) {
    width += widthOf(character);
    if (width >= columns) {
      break;
    }
    kept += character;
  }
  return columns > 0 ? `${kept}…` : "";
}

function widthOf(character: string): number {
  return narrow.test(character) ? 0 : wide.test(character) ? 2 : 1;
}
