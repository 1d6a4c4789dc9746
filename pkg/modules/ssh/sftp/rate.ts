/** Bytes and megabytes per second since a moment of `performance.now()`, for the user. */
export function renderRate(bytes: number, since: number): string {
  const seconds = Math.max(performance.now() - since, 1) / 1000;
  return `${bytes} bytes, ${(bytes / 1e6 / seconds).toFixed(1)} MB/s`;
}
