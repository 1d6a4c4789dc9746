import { z } from "zod";

const unitBytes = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 } as const;

/** An option that holds a number of bytes as a number and a unit: `64M`. */
export function sizeOption() {
  return z.string().regex(/^[1-9]\d*[kKmMgG]$/, "expected a number and k, M or G, such as 64M");
}

/** The bytes that a size option means. */
export function bytesOf(size: string): number {
  return Number(size.slice(0, -1)) * unitBytes[size.slice(-1).toLowerCase() as keyof typeof unitBytes];
}
