import type { Step } from "./store.ts";

/** What may wait for one slow watcher before it is given a new snapshot instead. */
export const backlogLimits = {
  keys: 10_000,
  /** Of keys and values together. */
  characters: 16 * 1024 * 1024,
} as const;

type State =
  | { readonly kind: "following" }
  /** The watcher has to begin anew, by a snapshot. */
  | { readonly kind: "astray" }
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly error: unknown };

/** The steps that a watcher has not taken yet: of each key the latest, in the order of their revisions. */
export class Backlog {
  readonly #steps = new Map<string, Step>();
  #characters = 0;
  #state: State = { kind: "following" };
  #news = Promise.withResolvers<void>();

  add(step: Step): void {
    if (this.#state.kind !== "following") {
      return;
    }
    const key = keyOf(step);
    this.#remove(key);
    this.#steps.set(key, step);
    this.#characters += charactersOf(step);
    this.#news.resolve();
    if (this.#steps.size > backlogLimits.keys || this.#characters > backlogLimits.characters) {
      this.loseTrack();
    }
  }

  /** Ends the steps here; the watcher begins anew. */
  loseTrack(): void {
    this.#settle({ kind: "astray" });
  }

  /** Ends them for good. */
  end(): void {
    this.#settle({ kind: "ended" });
  }

  fail(error: unknown): void {
    this.#settle({ kind: "failed", error });
  }

  /** The steps as they come, until track is lost or the end. Throws what it failed with. */
  async *steps(): AsyncGenerator<Step, "astray" | "ended"> {
    for (;;) {
      for (const [key, step] of this.#steps) {
        this.#remove(key);
        yield step;
      }
      switch (this.#state.kind) {
        case "following":
          await this.#news.promise;
          this.#news = Promise.withResolvers();
          break;
        case "failed":
          throw this.#state.error;
        default:
          return this.#state.kind;
      }
    }
  }

  #remove(key: string): void {
    const step = this.#steps.get(key);
    if (step !== undefined) {
      this.#steps.delete(key);
      this.#characters -= charactersOf(step);
    }
  }

  #settle(state: State): void {
    if (this.#state.kind === "following") {
      this.#state = state;
      this.#steps.clear();
      this.#characters = 0;
      this.#news.resolve();
    }
  }
}

/** The key that a step is about. */
export function keyOf(step: Step): string {
  return step.kind === "put" ? step.entry.key : step.key;
}

function charactersOf(step: Step): number {
  return keyOf(step).length + (step.kind === "put" ? step.entry.value.length : 0);
}
