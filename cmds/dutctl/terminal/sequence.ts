/** One thing that a terminal does other than to show a character (ECMA-48). */
export type Sequence =
  /** A control character, by its code. */
  | { readonly kind: "control"; readonly code: number }
  /** ESC, intermediates and a final character. */
  | { readonly kind: "escape"; readonly intermediates: string; readonly final: string }
  /** CSI, private prefix, parameters, intermediates and a final character. */
  | {
      readonly kind: "csi";
      readonly prefix: string;
      readonly parameters: string;
      readonly intermediates: string;
      readonly final: string;
    };

/** How the sequence is written in seven bits. */
export function written(sequence: Sequence): string {
  switch (sequence.kind) {
    case "control":
      return String.fromCharCode(sequence.code);
    case "escape":
      return `\x1b${sequence.intermediates}${sequence.final}`;
    case "csi":
      return `\x1b[${sequence.prefix}${sequence.parameters}${sequence.intermediates}${sequence.final}`;
  }
}
