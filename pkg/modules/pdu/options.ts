import { z } from "zod";
import { durationOption } from "../options/duration-option.ts";
import { snmpOptions, snmpProblems } from "./snmp/snmp-options.ts";

const vendors = ["intellinet", "gude", "delock", "netio", "shelly", "tasmota", "snmp", "pdudaemon"] as const;

const quotedVendors = vendors.map((vendor) => `"${vendor}"`).join(", ");

/** The options of a unit that was left out are like empty ones: so they are in configurations of the Go module. */
const notEmpty = () =>
  z
    .string()
    .optional()
    .transform((text) => (text === "" ? undefined : text));

export const pduOptions = z
  .strictObject({
    vendor: z
      .enum([...vendors, ""], {
        error: ({ input }) => `unknown PDU vendor ${JSON.stringify(input)} (supported: ${quotedVendors})`,
      })
      .optional()
      .describe("whose interface the unit has; default intellinet"),
    host: z
      .string({ error: ({ input }) => (input === undefined ? "PDU host address not configured" : "must be a URL") })
      .min(1, "PDU host address not configured")
      .describe("address of the unit with its scheme"),
    user: notEmpty().describe("who may switch"),
    password: notEmpty().describe("the user's password").meta({ writeOnly: true }),
    outlet: z
      .int()
      .min(0, { error: ({ input }) => `invalid outlet number ${input}: outlet must be 0 or greater` })
      .default(0)
      .describe("which outlet of the unit, from 0"),
    delay: durationOption().default("5s").describe("how long `cycle` leaves the outlet off"),
    timeout: durationOption().default("10s").describe("how long the unit may take to answer"),
    confirm: durationOption().default("5s").describe("how long it may take to report what it was told"),
    fingerprint: z
      .string()
      .regex(/^([0-9a-fA-F]{2}:?){32}$/, "must be the SHA-256 of a certificate, 64 hexadecimal digits")
      .optional()
      .describe("SHA-256 of the certificate that the unit shows, for https"),
    insecure: z.boolean().default(false).describe("take any certificate, for https"),
    generation: z
      .union([z.literal(1), z.literal(2)])
      .optional()
      .describe("of a shelly: 1, or 2 for all since; default asks it"),
    unit: z.string().min(1).optional().describe("name of the unit in the configuration of pdudaemon"),
    snmp: snmpOptions.optional().describe("how to speak to a unit by SNMP"),
  })
  .check(({ value, issues }) => {
    for (const [path, message] of problemsOf(value)) {
      issues.push({ code: "custom", message, path: [...path], input: value });
    }
  });

export type PduOptions = z.output<typeof pduOptions>;

function* problemsOf(options: PduOptions): Generator<readonly [path: readonly string[], message: string]> {
  const { vendor, host, user, password, unit, snmp, generation } = options;
  if ((user === undefined) !== (password === undefined)) {
    yield [["password"], "PDU authentication requires both user and password to be set, or neither"];
  }
  const schemes = vendor === "snmp" ? ["snmp:"] : ["http:", "https:"];
  const example = vendor === "snmp" ? "snmp://10.0.0.5" : "http://10.0.0.5";
  const url = URL.parse(host);
  if (url === null || !schemes.includes(url.protocol) || url.hostname === "") {
    yield [["host"], `invalid PDU host: must be an absolute URL including scheme (e.g. ${example})`];
  }
  if ((vendor === "pdudaemon") !== (unit !== undefined)) {
    yield [["unit"], "names the unit for the vendor pdudaemon, and only for it"];
  }
  if (generation !== undefined && vendor !== "shelly") {
    yield [["generation"], "is for the vendor shelly only"];
  }
  if ((vendor === "snmp") !== (snmp !== undefined)) {
    yield [["snmp"], "says how to speak to the vendor snmp, and is for it only"];
  }
  for (const [option, message] of snmp === undefined ? [] : snmpProblems(snmp, { user, password })) {
    yield [["snmp", option], message];
  }
}
