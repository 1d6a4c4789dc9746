/** A signal that aborts when its time has come, unless it is disposed before. */
export interface Limit extends Disposable {
  readonly signal: AbortSignal;
}

/** Aborts after so many milliseconds; never for undefined. */
export function limitOf(ms: number | undefined, reason: () => unknown): Limit {
  const control = new AbortController();
  const timer = ms === undefined ? undefined : setTimeout(() => control.abort(reason()), ms);
  return { signal: control.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

/** Aborts so many milliseconds after another signal has. */
export function outlasting(stop: AbortSignal, ms: number, reason: () => unknown): Limit {
  const control = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const start = () => {
    timer = setTimeout(() => control.abort(reason()), ms);
  };
  if (stop.aborted) {
    start();
  } else {
    stop.addEventListener("abort", start, { once: true });
  }
  return {
    signal: control.signal,
    [Symbol.dispose]() {
      stop.removeEventListener("abort", start);
      clearTimeout(timer);
    },
  };
}

/** Waits so many milliseconds. False, at once, when the signal aborts before. */
export async function elapses(ms: number, stop: AbortSignal): Promise<boolean> {
  using limit = limitOf(ms, () => undefined);
  const either = AbortSignal.any([limit.signal, stop]);
  const { promise: over, resolve } = Promise.withResolvers<void>();
  either.addEventListener("abort", () => resolve(), { once: true });
  if (!either.aborted) {
    await over;
  }
  return !stop.aborted;
}

/** Whether work settles, or is still at it so many milliseconds after it was told to stop. */
export async function settles(work: Promise<void>, stop: AbortSignal, ms: number): Promise<boolean> {
  const settled = work.then(
    () => true,
    () => true,
  );
  using patience = outlasting(stop, ms, () => undefined);
  const { promise: givenUp, resolve } = Promise.withResolvers<boolean>();
  patience.signal.addEventListener("abort", () => resolve(false), { once: true });
  return await Promise.race([settled, givenUp]);
}
