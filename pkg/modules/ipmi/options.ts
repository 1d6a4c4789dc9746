import { z } from "zod";
import { timeLimitOption } from "../options/time-limit-option.ts";

/** The longest user name and password that IPMI 2.0 can carry, in bytes (its commands Set User Name and Set User Password). */
const longestUser = 16;
const longestPassword = 20;

/** IPMI 1.5 (`lan`) has room for this much of a password. */
const longestOldPassword = 16;

const notSet = "IPMI Host is not set";

export const ipmiOptions = z
  .strictObject({
    host: z
      .string({ error: ({ input }) => (input === undefined ? notSet : "must be a name or an address") })
      .min(1, notSet)
      .regex(/^[^\s\0]*$/, "must be a name or an address")
      .describe("name or address of the BMC"),
    port: z.int().min(1).max(65_535).default(623).describe("its UDP port"),
    user: text(longestUser).default("").describe("whom to log in as; empty is the anonymous user"),
    password: text(longestPassword).default("").describe("password of the user").meta({ writeOnly: true }),
    timeout: timeLimitOption()
      .default("10s")
      .describe("how long the BMC may take to answer one request, retries included"),
    confirm: timeLimitOption()
      .default("30s")
      .describe("how long the power may take to change after `on`, `off`, `cycle` and `reset`"),
    grace: timeLimitOption().default("2m").describe("how long the device may take to shut down after `soft`"),
    interface: z.enum(["lanplus", "lan"]).default("lanplus").describe("`lanplus` is IPMI 2.0, `lan` the old 1.5"),
    cipher: z
      .literal([1, 2, 3, 15, 16, 17])
      .optional()
      .describe("cipher suite of IPMI 2.0; default 17, and 3 where the BMC does not have it"),
    privilege: z
      .enum(["user", "operator", "administrator"])
      .default("administrator")
      .describe("what to log in as, if the user may not be administrator; switching needs `operator`"),
  })
  .check(({ value, issues }) => {
    if (value.interface === "lan" && Buffer.byteLength(value.password) > longestOldPassword) {
      const message = `the interface lan takes at most ${longestOldPassword} bytes`;
      issues.push({ code: "custom", path: ["password"], message, input: undefined });
    }
    if (value.interface === "lan" && value.cipher !== undefined) {
      const message = "the interface lan has no cipher suites: leave it out";
      issues.push({ code: "custom", path: ["cipher"], message, input: value.cipher });
    }
  });

export type IpmiOptions = z.output<typeof ipmiOptions>;

function text(mostBytes: number) {
  return z
    .string()
    .refine((value) => Buffer.byteLength(value) <= mostBytes, `IPMI takes at most ${mostBytes} bytes`)
    .refine((value) => !value.includes("\0"), "must not hold a NUL character");
}
