import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { explain } from "#pkg/errors/dut-error.ts";
import { defineModule } from "#pkg/modules/module.ts";
import { modulesText } from "./modules.ts";

const kind = (name: string, config: z.ZodObject) =>
  defineModule({ name, summary: `what ${name} does`, config, help: () => "", open: () => Promise.reject(new Error()) });

const kinds = [
  kind("plain", z.strictObject({})),
  kind(
    "switch",
    z.strictObject({
      pin: z.int().describe("line number"),
      initial: z.enum(["on", "off"]).default("off"),
      hosts: z.array(z.string()).optional().describe("who may"),
      rate: z.union([z.number(), z.literal("auto")]).default("auto"),
      note: z.string().default(""),
      invert: z.boolean().default(false),
      environment: z.record(z.string(), z.string()).optional(),
    }),
  ),
];

test("every module is listed with the type, default and meaning of its options", () => {
  assert.equal(
    modulesText([], kinds),
    `plain: what plain does

switch: what switch does
  pin          a whole number, required
               line number
  initial      one of on, off, default off
  hosts        a list of text
               who may
  rate         a number or auto, default auto
  note         text, default ""
  invert       true or false, default false
  environment  a mapping
`,
  );
});

test("one module is listed by its name, and another name is a sentence", () => {
  assert.equal(modulesText(["plain"], kinds), "plain: what plain does\n");
  const sentence = (...args: string[]) => {
    try {
      return modulesText(args, kinds);
    } catch (error) {
      return explain(error);
    }
  };
  assert.deepEqual(
    [sentence("swich"), sentence("x-y-z"), sentence("plain", "switch")],
    [
      'no module named "swich" (did you mean switch?)',
      'no module named "x-y-z" (dutagent modules lists them)',
      "modules takes at most the name of one module",
    ],
  );
});
