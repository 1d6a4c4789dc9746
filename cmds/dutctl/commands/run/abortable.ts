/**
 * Waits for work, one piece at a time, but not past the abort of the signal: then the wait rejects with its reason and
 * the work is left to itself. A race of promises would keep a reaction on the signal for every piece.
 */
export function abortable(signal: AbortSignal): <T>(work: Promise<T>) => Promise<T> {
  let stop: (reason: unknown) => void = () => {};
  signal.addEventListener("abort", () => stop(signal.reason), { once: true });
  return <T>(work: Promise<T>): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    stop = reject;
    work.then(resolve, reject);
    if (signal.aborted) {
      reject(signal.reason);
    }
    return promise;
  };
}
