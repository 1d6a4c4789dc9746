import type { Sequence } from "./sequence.ts";

/** `plain` is output of a command, `interactive` what a device draws on a terminal in raw mode. */
export type Purpose = "plain" | "interactive";

/** BS, TAB, LF, CR. */
const plainControls = [0x08, 0x09, 0x0a, 0x0d];

/** And BEL, VT, FF, and the two that choose the character set. */
const interactiveControls = [...plainControls, 0x07, 0x0b, 0x0c, 0x0e, 0x0f];

/** Save and restore the cursor, line down, new line, set a tab, line up, the two modes of the keypad. */
const escapes = "78DEHM=>";

/** ASCII, British and line drawing as G0 to G3. Other sets would leave UTF-8. */
const charsets = /^[()*+]$/;
const charsetNames = "0AB";

/** Cursor moves, erasing, inserting and deleting, scrolling, tabs, repeating, margins. */
const moves = "ABCDEFGHIJKLMPSTXZ`abdefgrsu@";

/** Private modes that programs of a full screen need. Each can be undone. */
export const privateModes = {
  /** Cursor keys of applications. */
  1: false,
  /** Reverse screen. */
  5: false,
  /** Origin in the scroll region. */
  6: false,
  /** Wrapping at the right margin. */
  7: true,
  /** Blinking cursor. */
  12: false,
  /** Visible cursor. */
  25: true,
  /** Alternate screen, in four ways. */
  47: false,
  1047: false,
  1049: false,
  /** Keypad of applications. */
  66: false,
  /** Mouse: presses, drags, all moves; focus; three ways to tell the place. */
  1000: false,
  1002: false,
  1003: false,
  1004: false,
  1005: false,
  1006: false,
  1015: false,
  /** Bracketed paste. */
  2004: false,
} as const satisfies Record<number, boolean>;

/** Saves the cursor, so there is nothing to undo. */
const saveCursorMode = "1048";

/**
 * What of a sequence a terminal may be given, undefined when nothing. Everything that makes the terminal answer, that
 * reaches beyond its screen (clipboard, titles, printer, windows, the lines scrolled away) or that could not be undone
 * is left out.
 */
export function permitted(sequence: Sequence, purpose: Purpose): Sequence | undefined {
  const interactive = purpose === "interactive";
  switch (sequence.kind) {
    case "control":
      return (interactive ? interactiveControls : plainControls).includes(sequence.code) ? sequence : undefined;
    case "escape":
      return interactive && escapeIsPermitted(sequence) ? sequence : undefined;
    case "csi":
      if (isRendition(sequence)) {
        return sequence;
      }
      return interactive ? permittedCsi(sequence) : undefined;
  }
}

type Csi = Sequence & { readonly kind: "csi" };

/** Numbers of at most five digits; of colours also with the separator of their parts. */
const numbers = /^(?:\d{0,5}(?:;\d{0,5})*)$/;
const colours = /^(?:\d{0,5}(?:[;:]\d{0,5})*)$/;

function isRendition({ prefix, parameters, intermediates, final }: Csi): boolean {
  return final === "m" && prefix === "" && intermediates === "" && colours.test(parameters);
}

function escapeIsPermitted({ intermediates, final }: Sequence & { kind: "escape" }): boolean {
  return intermediates === "" ? escapes.includes(final) : charsets.test(intermediates) && charsetNames.includes(final);
}

function permittedCsi(sequence: Csi): Csi | undefined {
  const { prefix, parameters, intermediates, final } = sequence;
  if (!numbers.test(parameters)) {
    return undefined;
  }
  switch (prefix + intermediates) {
    case "":
      return final === "h" || final === "l"
        ? withModes(sequence, (mode) => mode === "4")
        : moves.includes(final) && moveIsHarmless(final, parameters)
          ? sequence
          : undefined;
    case "?":
      return final === "h" || final === "l"
        ? withModes(sequence, (mode) => mode === saveCursorMode || Object.hasOwn(privateModes, mode))
        : undefined;
    case " ":
      return final === "q" ? sequence : undefined;
    case "!":
      return final === "p" ? sequence : undefined;
    default:
      return undefined;
  }
}

/** Erasing the lines that were scrolled away, mouse highlighting and left and right margins have letters of others. */
function moveIsHarmless(final: string, parameters: string): boolean {
  switch (final) {
    case "J":
      return /^0*[012]?$/.test(parameters);
    case "T":
      return !parameters.includes(";");
    case "s":
    case "u":
      return parameters === "";
    case "b":
      return parameters.length <= 4;
    default:
      return true;
  }
}

function withModes(sequence: Csi, allowed: (mode: string) => boolean): Csi | undefined {
  const modes = sequence.parameters
    .split(";")
    .map((mode) => mode.replace(/^0+(?=\d)/, ""))
    .filter(allowed);
  return modes.length === 0 ? undefined : { ...sequence, parameters: modes.join(";") };
}
