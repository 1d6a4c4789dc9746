import { z } from "zod";

/** An option that says which hub. */
export function hubLocationOption() {
  return z
    .string()
    .regex(/^\d{1,3}(?:-\d{1,3}(?:\.\d{1,3})*)?$/, {
      error: "expected the place of a hub as uhubctl shows it, such as 1-1.4",
    })
    .describe("place of the hub, as uhubctl shows it, such as 1-1.4");
}
