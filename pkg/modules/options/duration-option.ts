import { z } from "zod";
import { explain } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";

/** An option that is a Go duration such as `300ms` or `1h30m`, kept as it was written and known to parse. */
export function durationOption(): z.ZodString {
  return z.string().check((context) => {
    try {
      parseDuration(context.value);
    } catch (error) {
      context.issues.push({ code: "custom", message: explain(error), input: context.value });
    }
  });
}
