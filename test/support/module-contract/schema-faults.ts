import { z } from "zod";
import type { ModuleKind } from "#pkg/modules/module.ts";

interface RawSchema {
  readonly type?: string;
  readonly description?: string;
  readonly writeOnly?: boolean;
  readonly properties?: Readonly<Record<string, RawSchema>>;
  readonly additionalProperties?: unknown;
  readonly items?: RawSchema;
  readonly anyOf?: readonly RawSchema[];
  readonly oneOf?: readonly RawSchema[];
}

/** Mappings among the options, by path, that let unknown keys pass. */
export function openMappings(kind: ModuleKind): readonly string[] {
  const schemas = Array.from(walk(rawSchema(kind), ""));
  return schemas.flatMap(([path, { properties, additionalProperties }]) =>
    properties !== undefined && additionalProperties !== false ? [path] : [],
  );
}

/** Options, by path, that nothing is said about. */
export function undescribed(kind: ModuleKind): readonly string[] {
  return Array.from(walk(rawSchema(kind), "")).flatMap(([path, { properties = {} }]) =>
    Object.entries(properties).flatMap(([name, { description = "" }]) =>
      description.trim() === "" ? [`${path}.${name}`] : [],
    ),
  );
}

/** The options of the first level that are secrets. */
export function secretOptions(kind: ModuleKind): readonly string[] {
  const { properties = {} } = rawSchema(kind);
  return Object.keys(properties).filter((name) => properties[name]?.writeOnly === true);
}

function rawSchema({ schema }: ModuleKind): RawSchema {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as RawSchema;
}

function* walk(schema: RawSchema, path: string): Generator<readonly [string, RawSchema]> {
  yield [path, schema];
  for (const [name, option] of Object.entries(schema.properties ?? {})) {
    yield* walk(option, `${path}.${name}`);
  }
  for (const part of [
    ...(schema.items === undefined ? [] : [schema.items]),
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
  ]) {
    yield* walk(part, path);
  }
}
