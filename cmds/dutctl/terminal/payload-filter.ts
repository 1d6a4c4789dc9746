import { type Purpose, permitted } from "./permitted.ts";
import { type Sequence, written } from "./sequence.ts";
import type { TerminalModes } from "./terminal-modes.ts";

/** `everything` only looks on. */
export type Allowance = Purpose | "everything";

/** Bytes of a sequence before its final one. Longer ones are not in use; the rest of such a one is shown as text. */
const longestSequence = 256;

/** Bytes that are swallowed of a string (OSC, DCS, APC, PM, SOS) that does not end. */
const longestString = 64 * 1024;

/** U+FFFD in UTF-8, for bytes that are none. */
const replacement = [0xef, 0xbf, 0xbd];

/** Embeddings, overrides and isolates: they show text in another order than it is in. */
const bidirectional = /[\u202a-\u202e\u2066-\u2069]/;

/** Characters behind ESC that begin a string. */
const stringIntroducers = "]PX^_";

type State =
  | { readonly kind: "ground" }
  | { readonly kind: "escape"; readonly collected: string }
  | { readonly kind: "csi"; readonly collected: string }
  | { readonly kind: "string"; readonly swallowed: number; readonly last: number };

const ground: State = { kind: "ground" };

/**
 * Lets of a stream of bytes for a terminal pass what cannot do harm: text, and the sequences that are permitted. Works
 * on bytes, may be split anywhere, and holds back at most an unfinished character or sequence. Bytes that are no UTF-8
 * come out as U+FFFD; C1 controls count as the sequences that they abbreviate, when they are written as UTF-8 writes them.
 */
export class PayloadFilter {
  readonly #modes: TerminalModes;
  #state: State = ground;
  /** The beginning of a character of several bytes. */
  #character: number[] = [];
  #allowance: Allowance = "plain";
  #passed: number[] = [];

  constructor(modes: TerminalModes) {
    this.#modes = modes;
  }

  filter(bytes: Uint8Array, allowance: Allowance): Uint8Array {
    this.#allowance = allowance;
    this.#passed = [];
    for (const byte of bytes) {
      this.#byte(byte);
    }
    return allowance === "everything" ? bytes : Uint8Array.from(this.#passed);
  }

  /** What stands for a character that did not come whole, when nothing follows any more. */
  end(): Uint8Array {
    const unfinished = this.#character.length > 0 && this.#allowance !== "everything";
    this.#character = [];
    this.#state = ground;
    return Uint8Array.from(unfinished ? replacement : []);
  }

  #byte(byte: number): void {
    if (this.#state.kind === "string") {
      this.#inString(byte, this.#state);
    } else if (byte === 0x1b) {
      this.#abandonCharacter();
      this.#state = { kind: "escape", collected: "" };
    } else if (byte < 0x20) {
      this.#abandonCharacter();
      this.#control(byte);
    } else if (this.#state.kind === "ground" || byte >= 0x80) {
      this.#state = ground;
      this.#text(byte);
    } else if (byte !== 0x7f) {
      this.#inSequence(byte, this.#state);
    }
  }

  /** CAN and SUB end a sequence; every other control inside one is done at once, as terminals do. */
  #control(code: number): void {
    if (code === 0x18 || code === 0x1a) {
      this.#state = ground;
    }
    this.#pass({ kind: "control", code });
  }

  #inSequence(byte: number, state: State & { kind: "escape" | "csi" }): void {
    const { kind, collected } = state;
    const character = String.fromCharCode(byte);
    const isFinal = byte >= (kind === "csi" ? 0x40 : 0x30);
    if (!isFinal) {
      this.#state = collected.length < longestSequence ? { kind, collected: collected + character } : ground;
    } else if (kind === "csi") {
      this.#state = ground;
      this.#passCsi(collected, character);
    } else {
      this.#passEscape(collected, character);
    }
  }

  #passEscape(intermediates: string, final: string): void {
    this.#state = ground;
    if (intermediates === "" && final === "[") {
      this.#state = { kind: "csi", collected: "" };
    } else if (intermediates === "" && stringIntroducers.includes(final)) {
      this.#state = { kind: "string", swallowed: 0, last: 0 };
    } else {
      this.#pass({ kind: "escape", intermediates, final });
    }
  }

  #passCsi(collected: string, final: string): void {
    const parts = /^([<-?]?)([0-;]*)([ -/]*)$/.exec(collected);
    if (parts !== null) {
      const [, prefix = "", parameters = "", intermediates = ""] = parts;
      this.#pass({ kind: "csi", prefix, parameters, intermediates, final });
    }
  }

  /**
   * Ends by ST or BEL; by what ends it at terminals too; and by a line feed, which none of these strings holds, so that
   * one that is never ended does not swallow more than its line.
   */
  #inString(byte: number, { swallowed, last }: State & { kind: "string" }): void {
    const ended = [0x07, 0x18, 0x1a].includes(byte) || (last === 0xc2 && byte === 0x9c) || swallowed === longestString;
    if (byte === 0x1b) {
      this.#state = { kind: "escape", collected: "" };
    } else if (byte === 0x0a) {
      this.#state = ground;
      this.#control(byte);
    } else {
      this.#state = ended ? ground : { kind: "string", swallowed: swallowed + 1, last: byte };
    }
  }

  #text(byte: number): void {
    const length = this.#character.length;
    if (length > 0) {
      if (continues(this.#character, byte)) {
        this.#character.push(byte);
        if (length + 1 === lengthOf(this.#character[0] as number)) {
          this.#passCharacter();
        }
        return;
      }
      this.#abandonCharacter();
    }
    if (byte < 0x7f) {
      this.#passed.push(byte);
    } else if (byte >= 0xc2 && byte <= 0xf4) {
      this.#character = [byte];
    } else if (byte !== 0x7f) {
      this.#passed.push(...replacement);
    }
  }

  #passCharacter(): void {
    const bytes = this.#character;
    this.#character = [];
    const text = Buffer.from(bytes).toString();
    const point = text.codePointAt(0) as number;
    if (point <= 0x9f) {
      this.#passEscape("", String.fromCharCode(point - 0x40));
    } else if (!bidirectional.test(text)) {
      this.#passed.push(...bytes);
    }
  }

  #abandonCharacter(): void {
    if (this.#character.length > 0) {
      this.#character = [];
      this.#passed.push(...replacement);
    }
  }

  #pass(sequence: Sequence): void {
    const allowed = this.#allowance === "everything" ? sequence : permitted(sequence, this.#allowance);
    if (allowed !== undefined) {
      this.#modes.note(allowed);
      this.#passed.push(...Buffer.from(written(allowed)));
    }
  }
}

function lengthOf(lead: number): number {
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/** Whether a byte may follow the beginning of a character; leaves out overlong forms, surrogates and what is beyond U+10FFFF. */
function continues(character: readonly number[], byte: number): boolean {
  const lead = character[0] as number;
  const isSecond = character.length === 1;
  const least = isSecond && lead === 0xe0 ? 0xa0 : isSecond && lead === 0xf0 ? 0x90 : 0x80;
  const most = isSecond && lead === 0xed ? 0x9f : isSecond && lead === 0xf4 ? 0x8f : 0xbf;
  return byte >= least && byte <= most;
}
