import { DutError } from "#pkg/errors/dut-error.ts";
import type { Resource, Service } from "./service.ts";

/** Somebody else may change a resource between the reading and the change, but hardly again and again. */
const attempts = 3;

/**
 * Reads a resource and changes it as it was read, again if somebody else was in between. `bodyOf` may throw when what was
 * read does not permit it.
 */
export async function change<Content>(
  service: Service,
  read: () => Promise<Resource<Content>>,
  bodyOf: (now: Resource<Content>) => object,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const now = await read();
    try {
      await service.patch(now, bodyOf(now));
      return;
    } catch (error) {
      if (attempt === attempts || !(error instanceof DutError && error.code === "aborted")) {
        throw error;
      }
    }
  }
}
