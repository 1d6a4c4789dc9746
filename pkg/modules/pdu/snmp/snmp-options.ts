import { z } from "zod";

const oid = () =>
  z.string().regex(/^\.?\d+(\.\d+)+$/, "must be numbers with dots between them, such as 1.3.6.1.4.1.318");

/** How SNMP is spoken and which variable switches; the rest of the options are the unit's. */
export const snmpOptions = z.strictObject({
  version: z.enum(["1", "2c", "3"]).default("2c").describe("of the protocol"),
  community: z.string().min(1).optional().describe("what may write, for versions 1 and 2c").meta({ writeOnly: true }),
  auth: z
    .enum(["MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"])
    .default("SHA")
    .describe("what the password is used with, for version 3"),
  privpassword: z
    .string()
    .min(8)
    .optional()
    .describe("encrypts, for version 3; none does not")
    .meta({ writeOnly: true }),
  priv: z.enum(["DES", "AES"]).default("AES").describe("what privpassword is used with"),
  preset: z.enum(["apc-rpdu", "apc-rpdu2"]).optional().describe("the unit's variables and values"),
  writeoid: oid().optional().describe("the integer that switches the outlet, whole"),
  writeon: z.int().optional().describe("its value for on"),
  writeoff: z.int().optional().describe("its value for off"),
  readoid: oid().optional().describe("the integer that tells the outlet's state; default `writeoid`"),
  readon: z.int().optional().describe("its value for on; default `writeon`"),
  readoff: z.int().optional().describe("its value for off; default `writeoff`"),
});

export type SnmpOptions = z.output<typeof snmpOptions>;

/** What is missing or at odds, by option. */
export function* snmpProblems(
  snmp: SnmpOptions,
  { user, password }: { readonly user: string | undefined; readonly password: string | undefined },
): Generator<readonly [option: keyof SnmpOptions, message: string]> {
  const { version, community, preset, writeoid, writeon, writeoff } = snmp;
  if (version === "3" && user === undefined) {
    yield ["version", "version 3 needs the options user and password of the unit"];
  }
  if (version === "3" && password !== undefined && password.length < 8) {
    yield ["auth", "the password of version 3 has at least 8 characters"];
  }
  if (version !== "3" && community === undefined) {
    yield ["community", "set the community that may write"];
  }
  if ([community, snmp.privpassword, user, password].some((text) => /\p{Cc}/u.test(text ?? ""))) {
    yield ["version", "credentials of SNMP cannot hold line ends and other control characters here"];
  }
  const own = [writeoid, writeon, writeoff].filter((value) => value !== undefined).length;
  if (preset === undefined ? own !== 3 : own !== 0) {
    yield ["preset", "set either preset, or writeoid with writeon and writeoff"];
  }
}
