/**
 * Makes a function whose callers go on in their order, so many in each turn of the event loop and no more: what else there
 * is to do is done between them, however many come at once.
 */
export function fewPerTurn(most: number): () => Promise<void> {
  const waiting: (() => void)[] = [];
  const go = () => {
    for (const pass of waiting.splice(0, most)) {
      pass();
    }
    if (waiting.length > 0) {
      setImmediate(go);
    }
  };
  return () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push(resolve);
    if (waiting.length === 1) {
      setImmediate(go);
    }
    return promise;
  };
}
