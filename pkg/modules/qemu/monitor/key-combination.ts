import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";

/** Keys that are held together, by the names of QEMU's QKeyCode (qapi/ui.json). */
export type Combination = readonly string[];

/** `ctrl-alt-delete` as its keys. Throws invalid_argument for what cannot be the name of a key; QEMU knows which there are. */
export function parseCombination(text: string): Combination {
  const keys = text.toLowerCase().split("-");
  if (!keys.every((key) => /^[a-z0-9_]+$/.test(key))) {
    throw new DutError("invalid_argument", `${quote(text)} is no combination of keys`, {
      hint: "join the names of keys with dashes, such as ctrl-alt-delete; the key - is called minus",
    });
  }
  return keys;
}

/** The keys of a US keyboard that are not named as the character: without shift, with shift. */
const namedKeys: Readonly<Record<string, string>> = {
  " ": "spc",
  "\n": "ret",
  "\t": "tab",
  "-": "minus",
  "=": "equal",
  "[": "bracket_left",
  "]": "bracket_right",
  ";": "semicolon",
  "'": "apostrophe",
  "`": "grave_accent",
  "\\": "backslash",
  ",": "comma",
  ".": "dot",
  "/": "slash",
};

const unshifted = "1234567890-=[];'`\\,./";
const shifted = '!@#$%^&*()_+{}:"~|<>?';

/** The keys that type a text on a US keyboard. Throws invalid_argument for a character that it does not have. */
export function keysFor(text: string): readonly Combination[] {
  return Array.from(text, (character) => {
    const place = shifted.indexOf(character);
    const plain = place >= 0 ? (unshifted[place] as string) : character.toLowerCase();
    const key = /^[a-z0-9]$/.test(plain) ? plain : namedKeys[plain];
    if (key === undefined) {
      throw new DutError("invalid_argument", `a US keyboard has no key for ${quote(character)}`, {
        hint: "type ASCII text; other keys have names, see the action keys",
      });
    }
    return place >= 0 || plain !== character ? ["shift", key] : [key];
  });
}
