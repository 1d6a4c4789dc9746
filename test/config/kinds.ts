import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import { type Claim, defineModule, type ModuleKind } from "#pkg/modules/module.ts";

interface Behaviour<Schema extends z.ZodObject> {
  readonly shellArguments?: readonly number[];
  readonly claims?: (options: z.output<Schema>) => readonly Claim[];
}

/** A kind whose help shows the options it was configured with. It is never opened here. */
function kind<Schema extends z.ZodObject>(
  name: string,
  config: Schema,
  { shellArguments = [], claims = () => [] }: Behaviour<Schema> = {},
): ModuleKind {
  return defineModule({
    name,
    summary: `options as in ${name}`,
    config,
    shellArguments: () => shellArguments,
    claims,
    help: (options) => JSON.stringify(options),
    open: () => Promise.reject(new DutError("unimplemented", "configurations are only parsed here")),
  });
}

/** Kinds with every sort of option, so that the cases here do not depend on the modules that are shipped. */
export const caseKinds: readonly ModuleKind[] = [
  kind("status", z.strictObject({})),
  kind("program", z.strictObject({ args: z.array(z.string()), module: z.string() })),
  kind("shell", z.strictObject({ path: z.string().default("/bin/sh"), quiet: z.boolean().default(false) }), {
    shellArguments: [0],
  }),
  kind(
    "login",
    z.strictObject({
      user: z.string().default("root"),
      password: z.string().min(6).meta({ writeOnly: true }).optional(),
      pin: z.int().optional(),
      jump: z
        .strictObject({ password: z.string().describe("of the host between").meta({ writeOnly: true }) })
        .optional(),
      lifetime: z
        .string()
        .check(({ value, issues }) => {
          issues.push({ code: "custom", message: `cannot read ${value} as a time`, input: value });
        })
        .optional(),
    }),
  ),
  kind(
    "gpio-switch",
    z.strictObject({
      pin: z.int().nonnegative().max(53).describe("BCM line number"),
      activelow: z.boolean().default(false),
      initial: z.enum(["on", "off"]).default("off"),
    }),
  ),
  kind("line", z.strictObject({ pin: z.int(), activelow: z.boolean().default(false) }), {
    claims: ({ pin, activelow }) => [
      { kind: "GPIO line", name: String(pin), terms: `active ${activelow ? "low" : "high"}` },
    ],
  }),
  kind(
    "serial",
    z.strictObject({
      port: z.string().min(1).describe("the serial device"),
      baud: z.int().positive().default(115200),
      delay: z
        .string()
        .regex(/^\d+ms$/, { error: "expected milliseconds such as 50ms" })
        .default("50ms"),
    }),
  ),
  kind(
    "file",
    z.strictObject({
      permission: z.string().default("0644"),
      environment: z.record(z.string(), z.string()).optional(),
      sources: z.union([z.string(), z.array(z.string())]).optional(),
      retry: z.strictObject({ times: z.int(), factor: z.number().default(1) }).optional(),
    }),
  ),
];
