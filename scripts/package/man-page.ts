import type { Flags } from "#pkg/golang/flags.ts";

/** A page of the manual, in the words of man-pages(7). */
export interface ManPage {
  readonly name: string;
  readonly section: 1 | 7 | 8;
  readonly summary: string;
  /** Command lines, one a line. */
  readonly synopsis: readonly string[];
  readonly sections: readonly ManSection[];
}

export interface ManSection {
  readonly title: string;
  readonly parts: readonly ManPart[];
}

export type ManPart =
  /** Lines as they are: help texts are arranged already. */
  | { readonly kind: "lines"; readonly text: string }
  /** Terms with what they mean. */
  | { readonly kind: "terms"; readonly terms: readonly (readonly [term: string, meaning: string])[] };

/** The page in the language of man(7). */
export function renderManPage({ name, section, summary, synopsis, sections }: ManPage, version: string): string {
  return [
    `.TH ${name.toUpperCase()} ${section} "" "dutctl ${version}"`,
    ".SH NAME",
    `${escaped(name)} \\- ${escaped(summary)}`,
    ...(synopsis.length === 0 ? [] : [".SH SYNOPSIS", ".nf", ...synopsis.map(line), ".fi"]),
    ...sections.flatMap(({ title, parts }) => [`.SH ${escaped(title.toUpperCase())}`, ...parts.flatMap(renderPart)]),
    "",
  ].join("\n");
}

/** Options of a command line as terms. */
export function termsOf(flags: Flags): ManPart {
  const names = Object.keys(flags).sort();
  return {
    kind: "terms",
    terms: names.map((name) => {
      const { value, summary, default: preset } = flags[name] as Flags[string];
      const term = value === undefined ? `-${name}` : `-${name} ${value}`;
      return [term, preset === undefined ? `${summary}.` : `${summary} (default ${preset}).`] as const;
    }),
  };
}

function renderPart(part: ManPart): readonly string[] {
  switch (part.kind) {
    case "lines":
      return [".nf", ...part.text.trimEnd().split("\n").map(line), ".fi"];
    case "terms":
      return part.terms.flatMap(([term, meaning]) => [".TP", `.B ${line(term)}`, line(meaning)]);
  }
}

/** A line that is none of a request, which begins with a dot or an apostrophe. */
function line(text: string): string {
  return escaped(text).replace(/^[.']/, "\\&$&");
}

/** Dashes are those of an ASCII terminal, so that what is copied from a page works. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-");
}
