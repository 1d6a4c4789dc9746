import type { Lock } from "./content.ts";

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

/** `512 B`, `1.5 KiB`, `2.0 GiB`. */
export function humanBytes(bytes: number): string {
  if (bytes < 1024) {
    return `${bytes} B`;
  }
  const exponent = Math.min(Math.floor(Math.log2(bytes) / 10), 6);
  return `${(bytes / 1024 ** exponent).toFixed(1)} ${"KMGTPE"[exponent - 1]}iB`;
}

/** What is left of a lock at a moment. */
export function remaining({ expiresAt }: Lock, now: Date): string {
  return humanDuration(expiresAt * 1000 - now.getTime());
}
