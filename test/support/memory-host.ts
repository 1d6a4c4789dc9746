import type { Host } from "#pkg/host/host.ts";

/** A computer that has the given parts and no other: touching a missing one fails the test. */
export function memoryHost(parts: Partial<Host>): Host {
  return new Proxy(parts, {
    get(given, part) {
      const found: unknown = Reflect.get(given, part);
      if (found === undefined) {
        throw new TypeError(`this test gave its host no ${String(part)}`);
      }
      return found;
    },
  }) as Host;
}
