import { z } from "zod";

/** An option that holds permission bits as the Go programs write them, such as `0644`. */
export function permissionOption(): z.ZodString {
  return z.string().refine((text) => /^0+[0-7]{0,3}$/.test(text), {
    error: ({ input }) =>
      `invalid permission ${JSON.stringify(input)}: must be octal format starting with '0' (e.g., '0644')`,
  });
}
