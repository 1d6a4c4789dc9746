import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { messageOf } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import { defineModule } from "#pkg/modules/module.ts";
import { parseConfig } from "../parse-config.ts";

/** The options that a module gets from `with`, or the message, for a schema. */
function configured(schema: z.ZodObject, written: string): unknown {
  let options: unknown;
  const kind = defineModule({
    name: "m",
    summary: "",
    config: schema,
    help(config) {
      options = config;
      return "";
    },
    open: () => Promise.reject(new Error("not opened")),
  });
  try {
    parseConfig("f", `devices: {d: {cmds: {c: {uses: [{module: m, with:\n${written.replaceAll(/^/gm, " ")}}]}}}}\n`, [
      kind,
    ]);
    return options;
  } catch (error) {
    return messageOf(error).replaceAll("devices.d.cmds.c.uses.0.with", "with");
  }
}

test("the schema is found behind defaults, pipes, unions and the like", () => {
  const schema = z.strictObject({
    piped: z.string().transform((text) => `<${text}>`),
    lazy: z.lazy(() => z.string().optional()),
    preprocessed: z.preprocess((value) => value, z.string()),
    mixed: z.array(z.union([z.boolean(), z.number(), z.string()])),
    either: z.union([z.strictObject({ mode: z.string() }), z.array(z.string()), z.string()]).readonly(),
    pair: z.tuple([z.string(), z.int()]),
    literal: z.literal("1").nullable(),
    free: z.unknown(),
    loose: z.looseObject({ known: z.string() }),
    duration: z.string().default("1s").transform(parseDuration),
  });
  const written =
    "{piped: 0755, lazy: 1e3, preprocessed: on, mixed: [on, 0x10, 017, x], either: {mode: 0644}, pair: [01, 0b11], literal: 1, free: [yes, 1, x, {a: 2}], loose: {known: 1, other: 2}, duration: 2s}";
  assert.deepEqual(configured(schema, written), {
    piped: "<0755>",
    lazy: "1e3",
    preprocessed: "on",
    mixed: [true, 16, 17, "x"],
    either: { mode: "0644" },
    pair: ["01", 3],
    literal: "1",
    free: [true, 1, "x", Object.assign(Object.create(null), { a: 2 })],
    loose: { known: "1", other: 2 },
    duration: 2000,
  });
});

test("every complaint of the schema stands at the text that is to blame, in the module's words where it has some", () => {
  const schema = z.strictObject({
    list: z.array(z.string().max(3)).min(2),
    sized: z.array(z.string()).length(2),
    step: z.number().multipleOf(5).lt(20),
    url: z.url(),
    own: z.string().refine((text) => text.startsWith("a"), { error: "must start with a" }),
    either: z.union([z.boolean(), z.array(z.string())]),
    one: z.discriminatedUnion("mode", [
      z.strictObject({ mode: z.literal("a"), x: z.int() }),
      z.strictObject({ mode: z.literal("b") }),
    ]),
    pattern: z.string().regex(/^x+$/),
  });
  const written = `{list: [abcd],
sized: [a],
step: 21,
url: nowhere,
own: bcd,
either: maybe,
one: {mode: a, x: 1.5, y: 2},
pattern: y}`;
  assert.deepEqual(String(configured(schema, written)).split("\n"), [
    "f:2:9: with.list: expected at least 2 entries, found a list",
    'f:2:10: with.list.0: expected at most 3 characters, found "abcd"',
    "f:3:9: with.sized: expected exactly 2 entries, found a list",
    "f:4:8: with.step: expected a multiple of 5, found 21",
    "f:4:8: with.step: expected less than 20, found 21",
    'f:5:7: with.url: expected a valid url, found "nowhere"',
    "f:6:7: with.own: must start with a",
    'f:7:10: with.either: expected true or false or a list, found "maybe"',
    "f:8:20: with.one.x: expected a whole number, found 1.5",
    'f:8:25: with.one.y: unknown option "y"',
    "f:9:11: with.pattern: expected text that matches /^x+$/, found y",
  ]);
});

test("what a module's own parser throws is a problem of its options", () => {
  const schema = z.strictObject({ duration: z.string().transform(parseDuration) });
  assert.equal(
    configured(schema, "{duration: 5}"),
    'f:2:2: with: time: missing unit in duration "5" (write a number and a unit, such as 300ms, 1.5h or 1h30m)',
  );
});
