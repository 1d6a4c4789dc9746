import { resolve } from "node:path";
import { z } from "zod";
import { messageOf } from "#pkg/errors/dut-error.ts";
import { httpsOptions } from "../https/options.ts";
import { durationOption } from "../options/duration-option.ts";
import { sizeOption } from "../options/size-option.ts";
import { parseAddress } from "./parse-wanted.ts";

const address = () =>
  z.string().check((context) => {
    try {
      parseAddress(context.value);
    } catch (error) {
      context.issues.push({ code: "custom", message: messageOf(error), input: context.value });
    }
  });

const secret = () => z.string().meta({ writeOnly: true });

export const httpGetOptions = z
  .strictObject({
    path: z.string().min(1).describe("where the file is kept on the agent"),
    url: address().optional().describe("address of the file; without it an argument"),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/i, "expected 64 hexadecimal digits")
      .optional()
      .describe("SHA-256 of the file; without it an argument, or looked up in `sha256sums`"),
    sha256sums: z
      .string()
      .min(1)
      .optional()
      .describe("address of a list that `sha256sum` made; may be relative to the file's"),
    cache: z.boolean().default(true).describe("do not download what is at `path` already, with the right SHA-256"),
    limit: sizeOption().default("64G").describe("the largest file that is taken"),
    timeout: durationOption().default("30s").describe("how long the server may be silent"),
    headers: z.record(z.string(), secret()).optional().describe("further headers of the request"),
    auth: z.enum(["basic", "digest"]).default("basic").describe("how user and password are told"),
    user: z.string().optional().describe("who asks"),
    password: secret().optional().describe("the user's password"),
    ca: httpsOptions.ca,
    fingerprint: httpsOptions.fingerprint,
  })
  .refine(({ user, password }) => (user === undefined) === (password === undefined), {
    path: ["password"],
    message: "give both user and password, or neither",
  })
  .refine(({ url, user, headers }) => url !== undefined || (user === undefined && headers === undefined), {
    path: ["url"],
    message:
      "user, password and headers are for the server of the option url: an address that a user gives must not have them",
  })
  .refine(({ ca, fingerprint }) => ca === undefined || fingerprint === undefined, {
    path: ["fingerprint"],
    message: "fingerprint says the opposite of ca: leave one of them out",
  });

export type HttpGetOptions = z.output<typeof httpGetOptions>;

/** Relative paths start at the agent's working directory. */
export const pathOf = ({ path }: HttpGetOptions) => resolve(path);
