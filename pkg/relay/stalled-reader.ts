import type { Writable } from "node:stream";

/** How often a stream is looked at, as a part of the time that it may stand still. */
const looks = 12;

/**
 * Calls `act` once when something has waited for so many milliseconds to go out of a stream and nothing of it went. What
 * a slow reader takes is enough, however little.
 */
export function onStalledReader(stream: Writable, stallMs: number, act: () => void): void {
  let movedAt = performance.now();
  let waiting = 0;
  const moved = () => {
    movedAt = performance.now();
  };
  const timer = setInterval(() => {
    const { writableLength } = stream;
    if (writableLength === 0 || writableLength < waiting) {
      moved();
    }
    waiting = writableLength;
    if (performance.now() - movedAt >= stallMs) {
      stop();
      act();
    }
  }, stallMs / looks).unref();
  const stop = () => {
    clearInterval(timer);
    stream.off("drain", moved);
  };
  stream.on("drain", moved);
  stream.once("close", stop);
}
