import { parseDuration } from "#pkg/golang/duration.ts";

/** The words of a script from the first to the last. */
export class Words {
  readonly #words: readonly string[];
  #at = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  get areLeft(): boolean {
    return this.#at < this.#words.length;
  }

  /** The next word; undefined when there is none. */
  next(): string | undefined {
    const word = this.#words[this.#at];
    this.#at += 1;
    return word;
  }

  /** Takes the next word if it is this one. */
  takeIf(word: string): boolean {
    const isNext = this.#words[this.#at] === word;
    this.#at += isNext ? 1 : 0;
    return isNext;
  }

  /** Takes the next word if it is a duration, in milliseconds. */
  takeDuration(): number | undefined {
    const milliseconds = durationOf(this.#words[this.#at]);
    this.#at += milliseconds === undefined ? 0 : 1;
    return milliseconds;
  }

  /**
   * Takes `-t` and a duration if a word stands behind them: milliseconds, undefined for 0, which sets no limit. Anything
   * else is what the step is about: an expression may well be `-t`.
   */
  takeTimeLimit(): number | undefined {
    const [flag, duration, behind] = this.#words.slice(this.#at, this.#at + 3);
    const milliseconds = durationOf(duration);
    if (flag !== "-t" || milliseconds === undefined || behind === undefined) {
      return undefined;
    }
    this.#at += 2;
    return milliseconds > 0 ? milliseconds : undefined;
  }
}

function durationOf(word: string | undefined): number | undefined {
  if (word === undefined || !/^[0-9.]/.test(word)) {
    return undefined;
  }
  try {
    return parseDuration(word);
  } catch {
    // It is another word then.
    return undefined;
  }
}
