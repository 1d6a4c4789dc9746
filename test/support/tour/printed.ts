/** What differs from one time to the next, in the order in which it is looked for. */
const variable = {
  authority: "(?:[0-9A-F]{2}:){31}[0-9A-F]{2}",
  key: "SHA256:[A-Za-z0-9+/]{43}",
  date: "\\d{4}[-/]\\d\\d[-/]\\d\\d",
  time: "\\d\\d:\\d\\d(?::\\d\\d)?(?:\\.\\d+)?",
  left: "…",
  spaces: " +",
} as const;

const token = new RegExp(
  Object.entries(variable)
    .map(([name, pattern]) => `(?<${name}>${pattern})`)
    .join("|"),
  "g",
);

/**
 * Compares what programs print with what a tour shows of it. Dates and times are any, `…` is any text, and spaces may be
 * more; a fingerprint is any, but the same wherever the tour shows the same one.
 */
export class Printed {
  readonly #fingerprints = new Map<string, string>();

  /**
   * How much of the text is as shown, in characters; undefined when it is not. With `whole`, all of it has to be.
   */
  match(shown: readonly string[], text: string, whole: boolean): number | undefined {
    const found: string[] = [];
    const source = shown.map((line) => (line === "…" ? "(?:.*\\n)*?" : `${this.#patternOf(line, found)}\\n`)).join("");
    const match = new RegExp(`^${source}${whole ? "$" : ""}`).exec(text);
    if (match === null) {
      return undefined;
    }
    for (const [index, name] of found.entries()) {
      this.#fingerprints.set(name, match.groups?.[`f${index}`] ?? "");
    }
    return match[0].length;
  }

  /** Puts the fingerprints that were not known yet into `found`, as groups f0, f1 and so on. */
  #patternOf(line: string, found: string[]): string {
    let source = "";
    let end = 0;
    for (const { 0: text, index, groups = {} } of line.matchAll(token)) {
      source += RegExp.escape(line.slice(end, index)) + this.#tokenOf(text, groups, found);
      end = index + text.length;
    }
    return source + RegExp.escape(line.slice(end));
  }

  #tokenOf(text: string, groups: Readonly<Record<string, string | undefined>>, found: string[]): string {
    const kind = Object.keys(variable).find((name) => groups[name] !== undefined) as keyof typeof variable;
    switch (kind) {
      case "left":
        return ".*";
      case "date":
      case "time":
      case "spaces":
        return variable[kind];
      default: {
        const known = this.#fingerprints.get(text);
        if (known !== undefined) {
          return RegExp.escape(known);
        }
        const index = found.indexOf(text);
        return index === -1 ? `(?<f${found.push(text) - 1}>${variable[kind]})` : `\\k<f${index}>`;
      }
    }
  }
}
