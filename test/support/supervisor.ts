import { setTimeout as wait } from "node:timers/promises";
import type { Child } from "./child.ts";

/** What systemd waits before it starts a service again, unless RestartSec= says otherwise, in milliseconds. */
const restartMs = 100;

/** Disposing kills the program and starts it no more. */
export interface Supervisor extends AsyncDisposable {
  /** The one that runs, or the last one while there is none. */
  readonly current: Child;
  /** Resolves with the one after the current one, when it is started. */
  next(): Promise<Child>;
}

/** Keeps a program running as a service manager does that has `Restart=always`: whenever it ends it is started again. */
export function supervise(start: () => Child): Supervisor {
  const over = new AbortController();
  let current = start();
  let coming = Promise.withResolvers<Child>();
  const life = (async () => {
    for (;;) {
      await current.ended;
      await wait(restartMs);
      if (over.signal.aborted) {
        return;
      }
      current = start();
      coming.resolve(current);
      coming = Promise.withResolvers();
    }
  })();
  return {
    get current() {
      return current;
    },
    next: () => coming.promise,
    async [Symbol.asyncDispose]() {
      over.abort();
      await current[Symbol.asyncDispose]();
      await life;
    },
  };
}
