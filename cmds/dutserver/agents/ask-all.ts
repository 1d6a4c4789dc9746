import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { CallOptions } from "#pkg/protocol/client.ts";
import { saidByPeer } from "#pkg/protocol/grpc/status.ts";
import type { Callee } from "./callee.ts";

/** What is waited for an answer, in milliseconds: long enough for a slow link, short enough for who waits for all. */
const answerMs = 2_000;

/** An answer, or why there is none. */
export type Answer<T> =
  | { readonly value: T; readonly fault: undefined }
  /** For people, naming who did not answer. */
  | { readonly value: undefined; readonly fault: DutError };

/** Asks many at once, within one time limit for all. */
export function askAll<T>(
  callees: readonly Callee[],
  signal: AbortSignal,
  ask: (callee: Callee, options: CallOptions) => Promise<T>,
): Promise<readonly Answer<T>[]> {
  const patience = AbortSignal.timeout(answerMs);
  const options = { signal: AbortSignal.any([signal, patience]) };
  return Promise.all(
    callees.map(async (callee) => {
      try {
        return { value: await ask(callee, options), fault: undefined };
      } catch (error) {
        const reason = patience.aborted ? `no answer within ${answerMs / 1000} s` : messageOf(error);
        return { value: undefined, fault: unreached(callee, error, reason) };
      }
    }),
  );
}

/** Why somebody's part of something is missing. */
export function unreached({ title }: Callee, error: unknown, reason = messageOf(error)): DutError {
  return saidByPeer(error)
    ? new DutError((error as DutError).code, `${title}: ${reason}`, { cause: error })
    : new DutError("unavailable", `${title} does not answer the server: ${reason}`, { cause: error });
}
