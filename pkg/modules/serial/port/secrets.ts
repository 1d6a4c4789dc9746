/** Shorter values would blot out ordinary output. */
const shortestSecret = 4;

/** How many lines of secrets are remembered; more than a history holds the echoes of. */
const mostSecrets = 1_000;

/** What was sent to a device and is to be shown to nobody, whoever looks and whenever. */
export class Secrets {
  readonly #known = new Set<string>();
  #lines: readonly Buffer[] = [];

  /** The longest first. */
  get lines(): readonly Buffer[] {
    return this.#lines;
  }

  /** From now on the lines of `secret` that have four bytes or more are not shown. */
  add(secret: Uint8Array): void {
    for (const line of Buffer.from(secret)
      .toString("latin1")
      .split(/[\r\n]+/)) {
      if (line.length >= shortestSecret) {
        this.#known.delete(line);
        this.#known.add(line);
      }
    }
    const newest = Array.from(this.#known).slice(-mostSecrets);
    this.#lines = newest.map((line) => Buffer.from(line, "latin1")).sort((a, b) => b.length - a.length);
    for (const forgotten of Array.from(this.#known).slice(0, -mostSecrets)) {
      this.#known.delete(forgotten);
    }
  }

  /** A text with every secret in it replaced by `***`. */
  hide(text: string): string {
    return this.#lines.reduce((hidden, secret) => hidden.replaceAll(secret.toString(), "***"), text);
  }
}
