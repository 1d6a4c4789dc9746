import { addAbortListener } from "node:events";

/**
 * The next of what a user types, or undefined at its end. Rejects with the signal's reason as soon as it aborts;
 * whoever gave up waiting so must not read on, for the piece that was waited for goes nowhere.
 */
export async function nextKey(keys: AsyncIterator<Uint8Array>, signal: AbortSignal): Promise<Uint8Array | undefined> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  using _ = addAbortListener(signal, () => aborted.reject(signal.reason));
  const result = await Promise.race([keys.next(), aborted.promise]);
  return result.done === true ? undefined : result.value;
}
