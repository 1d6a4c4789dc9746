/** A duration in milliseconds rounded to the minute: `1h30m`, `2h`, `25m`, `0m`. */
export function humanDuration(milliseconds: number): string {
  const total = Math.max(0, Math.round(milliseconds / 60_000));
  const hours = Math.floor(total / 60);
  const minutes = total % 60;
  if (hours === 0) {
    return `${minutes}m`;
  }
  return minutes === 0 ? `${hours}h` : `${hours}h${minutes}m`;
}
