import { DutError } from "#pkg/errors/dut-error.ts";
import type { Options } from "../options.ts";

/** Asks by our own protocol, and by the old one when the peer does not know ours, unless one of them is forced. */
export async function preferLab<T>(
  { protocol }: Pick<Options, "protocol">,
  lab: () => Promise<T>,
  v1: () => Promise<T>,
): Promise<T> {
  if (protocol === "v1") {
    return v1();
  }
  try {
    return await lab();
  } catch (error) {
    if (protocol === "lab" || !isUnimplemented(error)) {
      throw error;
    }
  }
  return v1();
}

/** True for what a peer answers that does not know our protocol. */
export function isUnimplemented(error: unknown): boolean {
  return error instanceof DutError && error.code === "unimplemented";
}
