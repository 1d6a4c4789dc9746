import { z } from "zod";

/** A part of a JSON Schema, draft 7: what editors read. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** The words of YAML 1.1 for truth values, which are texts for editors. */
const truthWords = "yes Yes YES no No NO on On ON off Off OFF y Y n N".split(" ");

const secretReference = { type: "string", pattern: "\\$\\{(env|file):[^{}]+\\}" };

/** What only an editor takes for text: `1_000`, `0b101`. */
const numberAsText = { type: "string", pattern: "^[-+]?(0b[01_]+|0[xo][\\da-fA-F_]+|\\d[\\d_]*_[\\d_.eE+-]*)$" };

/** What a scalar stands for wherever a text is wanted: it stays as it is written. */
export const text = { type: ["string", "number", "boolean"] } as const satisfies JsonSchema;

export const truth = { enum: [true, false, ...truthWords] } as const satisfies JsonSchema;

const nothing = { type: "null" };

/** The same, or a key with nothing behind it. Twice is once: zod shows a schema behind each of its wrappers. */
export function optional(schema: JsonSchema): JsonSchema {
  if (schema.type !== undefined) {
    return { ...schema, type: Array.from(new Set([schema.type, "null"].flat())) };
  }
  if (Array.isArray(schema.enum)) {
    return { ...schema, enum: Array.from(new Set([...schema.enum, null])) };
  }
  return Array.isArray(schema.anyOf) ? { ...schema, anyOf: Array.from(new Set([...schema.anyOf, nothing])) } : schema;
}

/** The options of a module, with YAML read as `readOptions` reads it. */
export function optionsSchema(schema: z.ZodObject): JsonSchema {
  const { $schema: _, ...options } = z.toJSONSchema(schema, {
    io: "input",
    target: "draft-7",
    unrepresentable: "any",
    override: ({ jsonSchema }) => loosen(jsonSchema as Record<string, unknown>),
  });
  return options;
}

function loosen(schema: Record<string, unknown>): void {
  if (schema.properties !== undefined) {
    schema.properties = Object.fromEntries(
      Object.entries(schema.properties as Record<string, JsonSchema>).map(([name, option]) => [name, optional(option)]),
    );
  } else if (schema.enum !== undefined || schema.const !== undefined) {
    loosenChoice(schema);
  } else if (schema.type === "string") {
    loosenText(schema);
  } else if (schema.type === "boolean") {
    replace(schema, truth);
  } else if (schema.type === "number" || schema.type === "integer") {
    const { description, default: preset, ...rest } = schema;
    replace(schema, { anyOf: [rest, numberAsText] });
  }
}

/** Also written without quotes, when it looks like a number, and through a reference. */
function loosenChoice(schema: Record<string, unknown>): void {
  const values = (schema.enum ?? [schema.const]) as unknown[];
  if (values.every((value) => typeof value === "string")) {
    const numbers = values.filter((value) => value !== "" && !Number.isNaN(Number(value))).map(Number);
    replace(schema, { anyOf: [{ enum: [...values, ...numbers] }, secretReference] });
  }
}

function loosenText(schema: Record<string, unknown>): void {
  const { description, default: preset, type, writeOnly, minLength, ...limits } = schema;
  const plain = { type: text.type, ...(minLength === undefined ? {} : { minLength }) };
  replace(schema, {
    ...(Object.keys(limits).length === 0 ? plain : { anyOf: [{ ...plain, ...limits }, secretReference] }),
    ...(writeOnly === true ? { writeOnly } : {}),
  });
}

/** Keeps what is said about an option, and says anew what it may be. */
function replace(schema: Record<string, unknown>, by: JsonSchema): void {
  const { description, default: preset } = schema;
  for (const keyword of Object.keys(schema)) {
    delete schema[keyword];
  }
  Object.assign(
    schema,
    by,
    description === undefined ? {} : { description },
    preset === undefined ? {} : { default: preset },
  );
}
