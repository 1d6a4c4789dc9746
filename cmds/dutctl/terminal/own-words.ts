/** A sentence of ours as it is told apart from what a device says on the same screen. */
export function ownWords(sentence: string): string {
  return `[dutctl] ${sentence}`;
}
