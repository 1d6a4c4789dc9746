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

/** Throws failed_precondition when the old protocol is forced, which cannot do this. */
export function needLab({ protocol }: Pick<Options, "protocol">, what: string): void {
  if (protocol === "v1") {
    throw new DutError("failed_precondition", `the old protocol cannot ${what}`, { hint: "leave out -protocol v1" });
  }
}

/** True for what a peer answers that does not know our protocol. */
export function isUnimplemented(error: unknown): boolean {
  return error instanceof DutError && error.code === "unimplemented";
}
