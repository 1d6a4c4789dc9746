/** Is told how much of a stream was taken, and when it was taken to its end. What it throws is thrown to the reader. */
interface Watcher {
  took(bytes: number): Promise<void>;
  ended(): Promise<void>;
}

/** The same bytes, whose beginning can be looked at first. */
export function peekable(source: AsyncIterable<Uint8Array>, watcher: Watcher) {
  const iterator = source[Symbol.asyncIterator]();
  let ahead = Buffer.alloc(0);
  const pull = async () => {
    const { done, value } = await iterator.next();
    if (done === true) {
      await watcher.ended();
      return undefined;
    }
    await watcher.took(value.length);
    return value;
  };
  return {
    async peek(length: number): Promise<Uint8Array> {
      for (let piece = new Uint8Array() as Uint8Array | undefined; ahead.length < length && piece !== undefined; ) {
        piece = await pull();
        ahead = Buffer.concat([ahead, piece ?? new Uint8Array()]);
      }
      return ahead.subarray(0, length);
    },
    async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
      try {
        yield ahead;
        for (let piece = await pull(); piece !== undefined; piece = await pull()) {
          yield piece;
        }
      } finally {
        await iterator.return?.();
      }
    },
  };
}
