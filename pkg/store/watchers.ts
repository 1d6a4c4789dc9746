import { type Backlog, keyOf } from "./backlog.ts";
import { type Beginning, follow } from "./follow.ts";
import type { Entry, Step, StoreEvent } from "./store.ts";

/** Who watches a store whose every change is made in this process. */
export class Watchers implements Disposable {
  readonly #watching = new Map<Backlog, string>();
  readonly #end = new AbortController();

  /** As Store.watch; `list` gives what is there under the prefix at this moment. */
  watch(prefix: string, list: () => readonly Entry[], signal: AbortSignal): AsyncIterable<StoreEvent> {
    const begin = async (backlog: Backlog): Promise<Beginning> => {
      const entries = list();
      this.#watching.set(backlog, prefix);
      return { entries, [Symbol.dispose]: () => void this.#watching.delete(backlog) };
    };
    return follow(begin, AbortSignal.any([signal, this.#end.signal]));
  }

  tell(step: Step): void {
    const key = keyOf(step);
    for (const [backlog, prefix] of this.#watching) {
      if (key.startsWith(prefix)) {
        backlog.add(step);
      }
    }
  }

  /** Ends every watch. */
  [Symbol.dispose](): void {
    this.#end.abort();
  }
}
