import { limits } from "#pkg/protocol/limits.ts";

/** How every call that is answered at once is made. */
export function unary(signal: AbortSignal): { signal: AbortSignal; timeoutMs: number } {
  return { signal, timeoutMs: limits.unaryMs };
}
