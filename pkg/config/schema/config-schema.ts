import type { ModuleKind } from "#pkg/modules/module.ts";
import { whens } from "../config.ts";
import { mostRetries } from "../parse-course.ts";
import { reservedCommands, reservedDevices } from "../reserved-names.ts";
import { type JsonSchema, optional, optionsSchema, text, truth } from "./json-schema.ts";

/**
 * A JSON Schema, draft 7, of the whole configuration file for editors to complete and check against. It accepts every
 * valid file; what no schema can say, such as references to arguments, only `parseConfig` checks.
 */
export function configSchema(kinds: readonly ModuleKind[]): JsonSchema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Configuration of dutagent",
    type: "object",
    required: ["devices"],
    additionalProperties: false,
    patternProperties: { "^x-": { description: "yours: a place for anchors" } },
    properties: {
      version: optional({ ...text, description: "for readers; nothing looks at it" }),
      devices: {
        description: "the boards of this agent, by name",
        ...named("device", reservedDevices),
      },
    },
    definitions: {
      device: {
        type: "object",
        required: ["cmds"],
        additionalProperties: false,
        properties: {
          desc: optional({ ...text, description: "shown to users" }),
          labels: optional({
            description: "for finding and grouping devices",
            type: "object",
            maxProperties: 64,
            propertyNames: { pattern: "^[A-Za-z0-9]([\\w./-]*[A-Za-z0-9])?$", maxLength: 64 },
            additionalProperties: { ...text, maxLength: 64 },
          }),
          cmds: { description: "what can be run on the device, by name", ...named("command", reservedCommands) },
        },
      },
      command: {
        type: "object",
        required: ["uses"],
        additionalProperties: false,
        properties: {
          desc: optional({ ...text, description: "shown to users" }),
          args: optional({
            description: `the arguments that a user gives, in this order; modules refer to them as \${name}`,
            type: "array",
            items: { $ref: "#/definitions/argument" },
          }),
          uses: {
            description: "the modules, run one after another",
            type: "array",
            minItems: 1,
            items: { $ref: "#/definitions/use" },
          },
          timeout: optional({
            ...text,
            description: "how long an attempt may take, such as 10m; for as long as it takes",
          }),
          retries: optional({
            description: "how often an attempt that failed is repeated at most",
            type: "integer",
            minimum: 0,
            maximum: mostRetries,
            default: 0,
          }),
          "retry-after": optional({
            ...text,
            description: "what is waited before a failed attempt is repeated, such as 2s; nothing",
          }),
        },
      },
      argument: {
        type: "object",
        required: ["name"],
        additionalProperties: false,
        properties: {
          name: { type: text.type, pattern: "^[a-zA-Z0-9_-]+$", description: `referred to as \${name}` },
          desc: optional({ ...text, description: "shown to users" }),
        },
      },
      use: use(kinds),
      ...Object.fromEntries(kinds.map((kind) => [optionsOf(kind.name), options(kind)])),
    },
  };
}

function named(what: string, reserved: ReadonlySet<string>): JsonSchema {
  return {
    type: "object",
    minProperties: 1,
    propertyNames: { minLength: 1, not: { enum: Array.from(reserved) } },
    additionalProperties: { $ref: `#/definitions/${what}` },
  };
}

function use(kinds: readonly ModuleKind[]): JsonSchema {
  return {
    type: "object",
    required: ["module"],
    additionalProperties: false,
    properties: {
      module: {
        description: "the kind of module",
        enum: kinds.map(({ name }) => name),
        enumDescriptions: kinds.map(({ summary }) => summary),
      },
      passthrough: optional({ ...truth, description: "this module gets what the user types", default: false }),
      args: optional({
        description: `the arguments of the module; \${name} is what a user gives`,
        type: "array",
        items: text,
      }),
      with: { description: "the options of the module" },
      when: optional({
        description: "whether it runs if nothing failed before it, only if something did, or in any case",
        enum: whens,
        default: "success",
      }),
      unsafe: optional({
        ...truth,
        description: "insert what a user gives into a shell's text as it is",
        default: false,
      }),
    },
    allOf: kinds.map((kind) => ({
      if: { required: ["module"], properties: { module: { const: kind.name } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: {
        ...(needsOptions(kind) ? { required: ["with"] } : {}),
        properties: { with: { $ref: `#/definitions/${optionsOf(kind.name)}` } },
      },
    })),
  };
}

function options(kind: ModuleKind): JsonSchema {
  const schema = { description: kind.summary, ...optionsSchema(kind.schema) };
  return needsOptions(kind) ? schema : optional(schema);
}

function needsOptions({ schema }: ModuleKind): boolean {
  return Object.values(schema.shape).some((option) => !option.safeParse(undefined).success);
}

function optionsOf(module: string): string {
  return `options-of-${module}`;
}
