import { z } from "zod";
import { messageOf } from "#pkg/errors/dut-error.ts";
import { checkHttps, httpsOptions } from "../https/options.ts";
import { timeLimitOption } from "../options/time-limit-option.ts";
import { parseSecret } from "./totp.ts";

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
    timeout: timeLimitOption().default("10s").describe("how long one request may take"),
    confirm: timeLimitOption().default("30s").describe("how long the power or the drive may take to change"),
    grace: timeLimitOption().default("2m").describe("how long the device may take to shut down after `off`"),
  })
  .check(({ value, issues }) => checkHttps(value, issues));

export type PikvmOptions = z.output<typeof pikvmOptions>;
