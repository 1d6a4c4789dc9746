import { privateModes } from "./permitted.ts";
import { type Sequence, written } from "./sequence.ts";
import type { Guard } from "./terminal.ts";

/** The alternate screens: left last, so that what is undone before is undone on them too. */
const screens = ["47", "1047", "1049"];

/**
 * What output has changed about a terminal and not changed back: colours, the screen, the cursor, how keys are sent.
 * Knows nothing of what is shown.
 */
export class TerminalModes implements Guard {
  /** By what is changed: the sequence that changed it, and the one that changes it back. */
  readonly #changed = new Map<string, { readonly again: string; readonly back: string }>();

  /** A sequence that the terminal was given. */
  note(sequence: Sequence): void {
    switch (sequence.kind) {
      case "control":
        if (sequence.code === 0x0e || sequence.code === 0x0f) {
          this.#note("shift", sequence.code === 0x0e, sequence, "\x0f");
        }
        break;
      case "escape":
        this.#noteEscape(sequence);
        break;
      case "csi":
        this.#noteCsi(sequence);
        break;
    }
  }

  /** What changes everything back, the empty string when nothing was changed. */
  leave(): string {
    const back = [...this.#changed].sort(([a], [b]) => Number(isScreen(a)) - Number(isScreen(b)));
    return back.map(([, { back: bytes }]) => bytes).join("");
  }

  resume(): string {
    const again = [...this.#changed].sort(([a], [b]) => Number(isScreen(b)) - Number(isScreen(a)));
    return again.map(([, { again: bytes }]) => bytes).join("");
  }

  /** Everything was changed back. */
  forget(): void {
    this.#changed.clear();
  }

  #note(what: string, isChanged: boolean, sequence: Sequence, back: string): void {
    if (isChanged) {
      this.#changed.set(what, { again: written(sequence), back });
    } else {
      this.#changed.delete(what);
    }
  }

  #noteEscape(sequence: Sequence & { kind: "escape" }): void {
    const { intermediates, final } = sequence;
    if (intermediates === "" && (final === "=" || final === ">")) {
      this.#note("keypad", final === "=", sequence, "\x1b>");
    } else if (/^[()*+]$/.test(intermediates)) {
      this.#note(`charset ${intermediates}`, final !== "B", sequence, `\x1b${intermediates}B`);
    } else if (intermediates === "" && final === "c") {
      this.forget();
    }
  }

  #noteCsi(sequence: Sequence & { kind: "csi" }): void {
    const { prefix, parameters, intermediates, final } = sequence;
    switch (`${prefix}${intermediates}${final}`) {
      case "m":
        this.#note("colours", !/(?:^|;)0*$/.test(parameters), sequence, "\x1b[0m");
        break;
      case "r":
        // The margins take the cursor home with them.
        this.#note("margins", !/^0*;?0*$/.test(parameters), sequence, "\x1b7\x1b[r\x1b8");
        break;
      case " q":
        this.#note("cursor style", !/^0*$/.test(parameters), sequence, "\x1b[0 q");
        break;
      case "!p":
        this.#softReset();
        break;
      case "h":
      case "l":
        if (parameters.split(";").includes("4")) {
          this.#note("insert", final === "h", { ...sequence, parameters: "4" }, "\x1b[4l");
        }
        break;
      case "?h":
      case "?l":
        for (const mode of parameters.split(";")) {
          this.#notePrivate(mode, final, sequence);
        }
        break;
    }
  }

  #notePrivate(mode: string, final: string, sequence: Sequence & { kind: "csi" }): void {
    if (Object.hasOwn(privateModes, mode)) {
      const usual = privateModes[Number(mode) as keyof typeof privateModes];
      const isSet = final === "h";
      this.#note(mode, isSet !== usual, { ...sequence, parameters: mode }, `\x1b[?${mode}${usual ? "h" : "l"}`);
    }
  }

  /** DECSTR leaves the screens, the mouse and the paste mode as they are. */
  #softReset(): void {
    for (const what of this.#changed.keys()) {
      if (!/^\d{2,}$/.test(what) || ["25", "66"].includes(what)) {
        this.#changed.delete(what);
      }
    }
  }
}

function isScreen(what: string): boolean {
  return screens.includes(what);
}
