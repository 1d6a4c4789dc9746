import { refuseChanged } from "#pkg/store/refuse-changed.ts";
import type { Entry, Store } from "#pkg/store/store.ts";

/** A store that lasts as long as the test. */
export function memoryStore(): Store {
  const entries = new Map<string, Entry>();
  let latest = 0;
  const check = (key: string, expected: number | undefined) =>
    refuseChanged(key, entries.get(key)?.revision ?? 0, expected);
  return {
    get: async (key) => entries.get(key),
    list: async (prefix) =>
      Array.from(entries.values())
        .filter(({ key }) => key.startsWith(prefix))
        .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))),
    async put(key, value, expected) {
      check(key, expected);
      latest += 1;
      entries.set(key, { key, value, revision: latest });
      return latest;
    },
    async delete(key, expected) {
      check(key, expected);
      latest += 1;
      return entries.delete(key);
    },
    async [Symbol.asyncDispose]() {},
  };
}
