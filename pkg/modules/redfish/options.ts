import { z } from "zod";
import { checkHttps, httpsOptions } from "../https/options.ts";
import { timeLimitOption } from "../options/time-limit-option.ts";

export const redfishOptions = z
  .strictObject({
    ...httpsOptions,
    user: z
      .string()
      .min(1)
      .regex(/^[^:]*$/, "must not hold a colon")
      .describe("whom to log in as"),
    password: z.string().describe("password of the user").meta({ writeOnly: true }),
    auth: z
      .enum(["session", "basic"])
      .default("session")
      .describe("`session` logs in for each run, `basic` sends the password with each request"),
    system: z.string().min(1).optional().describe("id of the system, where the service has several"),
    media: z.string().min(1).optional().describe("id of the virtual media to use; default one that suits the image"),
    timeout: timeLimitOption().default("10s").describe("how long one request may take"),
    confirm: timeLimitOption().default("60s").describe("how long a change that was accepted may take"),
    grace: timeLimitOption().default("2m").describe("how long the system may take to shut down after `soft`"),
  })
  .check(({ value, issues }) => checkHttps(value, issues));

export type RedfishOptions = z.output<typeof redfishOptions>;
