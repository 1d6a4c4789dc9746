import type { z } from "zod";
import { parseDuration } from "#pkg/golang/duration.ts";
import { durationOption } from "./duration-option.ts";

/** An option that is a Go duration longer than 0, kept as it was written. */
export function timeLimitOption(): z.ZodString {
  return durationOption().refine((text) => parseDuration(text) > 0, { abort: true, message: "must be longer than 0" });
}
