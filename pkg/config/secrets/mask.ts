import { quote } from "#pkg/golang/quote.ts";

/** What is shown in the place of a secret. */
const stars = "***";

/** A line of a secret that is shorter stands in many texts by chance. */
const shortestLine = 8;

/** Hides secrets in texts, also where they stand quoted, escaped, encoded for a URL, or with one of their lines only. */
export class Mask {
  readonly #pattern: RegExp | undefined;

  constructor(secrets: Iterable<string>) {
    const forms = new Set(Array.from(secrets).flatMap(formsOf));
    forms.delete("");
    const longestFirst = Array.from(forms).sort((a, b) => b.length - a.length);
    this.#pattern = forms.size === 0 ? undefined : new RegExp(longestFirst.map(RegExp.escape).join("|"), "g");
  }

  get isEmpty(): boolean {
    return this.#pattern === undefined;
  }

  text(text: string): string {
    return this.#pattern === undefined ? text : text.replace(this.#pattern, stars);
  }

  /** The same for every text in a value that JSON can say. */
  value(value: unknown): unknown {
    if (typeof value === "string") {
      return this.text(value);
    }
    if (Array.isArray(value)) {
      return value.map((item) => this.value(item));
    }
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.text(key), this.value(item)]));
    }
    return this.#pattern !== undefined && typeof value === "number" && this.text(String(value)) === stars
      ? stars
      : value;
  }
}

function formsOf(secret: string): readonly string[] {
  const lines = secret.split(/\r?\n/).filter((line) => line.length >= shortestLine);
  return [secret, ...lines].flatMap((text) => [
    text,
    quote(text).slice(1, -1),
    JSON.stringify(text).slice(1, -1),
    encodeURIComponent(text.toWellFormed()),
    // As forms have it, and queries of devices: a blank is a plus sign there, and more is escaped.
    new URLSearchParams([["", text]]).toString().slice(1),
    Buffer.from(text).toString("base64"),
  ]);
}
