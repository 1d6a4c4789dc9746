import { z } from "zod";
import { messageOf } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import { durationOption } from "../duration-option.ts";
import { checkHttps, httpsOptions } from "../https/options.ts";
import { parseSecret } from "./totp.ts";

const timeLimit = () =>
  durationOption().refine((text) => parseDuration(text) > 0, { abort: true, message: "must be longer than 0" });

/** What a header can carry. */
const headerText = () => z.string().regex(/^[^\p{Cc}]*$/u, "must not hold control characters");

export const modes = ["power", "keyboard", "media", "screenshot"] as const;

export type Mode = (typeof modes)[number];

export const pikvmOptions = z
  .strictObject({
    ...httpsOptions,
    user: headerText().min(1).default("admin").describe("whom to log in as"),
    password: headerText().default("").describe("password of the user").meta({ writeOnly: true }),
    totp: z
      .string()
      .check((context) => {
        try {
          parseSecret(context.value);
        } catch (error) {
          context.issues.push({ code: "custom", message: messageOf(error), input: undefined });
        }
      })
      .optional()
      .describe("secret of the one-time codes, where two-factor authentication is on")
      .meta({ writeOnly: true }),
    mode: z.enum(modes).optional().describe("what the command is for; without it the first argument says it"),
    keymap: z.string().min(1).optional().describe("keyboard layout of the device for `type`, such as `de`"),
    timeout: timeLimit().default("10s").describe("how long one request may take"),
    confirm: timeLimit().default("30s").describe("how long the power or the drive may take to change"),
    grace: timeLimit().default("2m").describe("how long the device may take to shut down after `off`"),
  })
  .check(({ value, issues }) => checkHttps(value, issues));

export type PikvmOptions = z.output<typeof pikvmOptions>;
