/** What a word may become. */
export interface Candidate {
  readonly value: string;
  readonly description?: string;
}

/** What a shell is told. */
export interface Answer {
  /** `files`: names of files too. `open`: the word goes on behind the candidate. */
  readonly kind: "words" | "files" | "open";
  readonly candidates: readonly Candidate[];
  /** What is expected, for shells that can show it. */
  readonly hint?: string | undefined;
}

/**
 * The answer as the scripts of the shells read it: the kind, then a line for every candidate that begins as the word does,
 * with a tab before its description. A line without a value is the hint.
 */
export function renderAnswer({ kind, candidates, hint }: Answer, written: string): string {
  const fitting = candidates.filter(({ value }) => value.startsWith(written) && isTypeable(value, written));
  const lines = fitting.map(({ value, description = "" }) =>
    description === "" ? value : `${value}\t${plain(description)}`,
  );
  return [kind, ...lines, ...(hint === undefined ? [] : [`\t${plain(hint)}`])].map((line) => `${line}\n`).join("");
}

/** Names come from a peer: one that would be an option, or that a line cannot hold, is not offered. */
function isTypeable(value: string, written: string): boolean {
  return value !== "" && !/\p{Cc}/u.test(value) && (!value.startsWith("-") || written.startsWith("-"));
}

function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
}
