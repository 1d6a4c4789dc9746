import { ShellReader } from "./shell-reader.ts";

/** A text for a POSIX shell that values are put into, each as a part of exactly one word. */
export interface ShellTemplate {
  readonly pieces: readonly (string | Insertion)[];
  /** The references that no quoting makes safe, with why: `behind <<`. */
  readonly refusals: readonly Refusal[];
}

export interface Insertion {
  readonly name: string;
  /** The quotes of the text that the reference stands in. */
  readonly within: Quotes;
}

export interface Refusal {
  readonly name: string;
  readonly where: string;
}

export type Quotes = "none" | "single" | "double";

/** Finds the quotes that every reference of a template stands in, as a shell does. */
export function parseShellTemplate(text: string): ShellTemplate {
  return new ShellReader(text).read();
}

/**
 * The text with every value quoted, so that the shell sees it as it is, whatever it holds. For references that the
 * parser did not refuse.
 */
export function expandShellTemplate({ pieces }: ShellTemplate, lookUp: (name: string) => string): string {
  return pieces
    .map((piece) => {
      if (typeof piece === "string") {
        return piece;
      }
      const inSingleQuotes = lookUp(piece.name).replaceAll(/['\\]/g, (character) => `'\\${character}'`);
      return { none: `'${inSingleQuotes}'`, single: inSingleQuotes, double: `"'${inSingleQuotes}'"` }[piece.within];
    })
    .join("");
}
