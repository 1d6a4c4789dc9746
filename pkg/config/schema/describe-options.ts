import { z } from "zod";
import type { ModuleKind } from "#pkg/modules/module.ts";

/** One option of a kind of module, in words. */
export interface OptionDescription {
  readonly name: string;
  /** Such as `text` or `one of on, off`. */
  readonly type: string;
  readonly required: boolean;
  /** As it would be written; undefined when there is none. */
  readonly preset: string | undefined;
  readonly description: string;
}

const words: Readonly<Record<string, string>> = {
  string: "text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  object: "a mapping",
};

interface RawSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: RawSchema;
  readonly anyOf?: readonly RawSchema[];
  readonly default?: unknown;
}

/** The options of a kind of module, in the order of its schema. */
export function describeOptions({ schema }: ModuleKind): readonly OptionDescription[] {
  return Object.entries(schema.shape as Readonly<Record<string, z.ZodType>>).map(([name, option]) => {
    const raw = z.toJSONSchema(option, { io: "input", unrepresentable: "any" }) as RawSchema;
    return {
      name,
      type: typeOf(raw),
      required: !option.safeParse(undefined).success,
      preset: raw.default === undefined ? undefined : written(raw.default),
      description: option.description ?? "",
    };
  });
}

function typeOf({ type, enum: values, const: value, items, anyOf }: RawSchema): string {
  if (anyOf !== undefined) {
    return anyOf.map(typeOf).join(" or ");
  }
  if (values !== undefined) {
    return `one of ${values.map((value) => (value === "" ? `""` : value)).join(", ")}`;
  }
  if (value !== undefined) {
    return String(value);
  }
  return type === "array"
    ? `a list of ${items === undefined ? "anything" : typeOf(items)}`
    : (words[type ?? ""] ?? "anything");
}

function written(preset: unknown): string {
  return typeof preset === "string" && preset !== "" ? preset : JSON.stringify(preset);
}
