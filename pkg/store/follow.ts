import { Backlog } from "./backlog.ts";
import type { Entry, StoreEvent } from "./store.ts";

/** What is there now, and what feeds a backlog with all that comes after it, until disposed. */
export interface Beginning extends Disposable {
  readonly entries: readonly Entry[];
}

/**
 * A watch: begins by a snapshot, goes on by steps, and begins anew whenever track was lost, until the signal aborts.
 * Throws what a beginning or a backlog fails with before that.
 */
export async function* follow(
  begin: (backlog: Backlog) => Promise<Beginning>,
  signal: AbortSignal,
): AsyncGenerator<StoreEvent> {
  for (let end = "astray"; end === "astray" && !signal.aborted; ) {
    const backlog = new Backlog();
    const onAbort = () => backlog.end();
    signal.addEventListener("abort", onAbort);
    try {
      using beginning = await begin(backlog);
      yield { kind: "snapshot", entries: beginning.entries };
      end = yield* backlog.steps();
    } catch (error) {
      if (!signal.aborted) {
        throw error;
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}
