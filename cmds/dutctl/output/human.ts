import { humanDuration } from "#pkg/lock/human-duration.ts";
import type { Lock } from "./content.ts";

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
