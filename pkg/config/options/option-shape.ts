import type { z } from "zod";

/** What a schema takes, as far as it matters for reading YAML: which keys there are, and what a scalar is to become. */
export type OptionShape =
  | { readonly kind: "scalar"; readonly text: boolean; readonly number: boolean; readonly truth: boolean }
  | { readonly kind: "object"; readonly fields: Readonly<Record<string, z.core.$ZodType>>; readonly isOpen: boolean }
  | { readonly kind: "record"; readonly value: z.core.$ZodType }
  | { readonly kind: "list"; readonly itemAt: (index: number) => z.core.$ZodType | undefined }
  | { readonly kind: "choice"; readonly shapes: readonly OptionShape[] }
  | { readonly kind: "anything" };

const text: OptionShape = { kind: "scalar", text: true, number: false, truth: false };
const number: OptionShape = { kind: "scalar", text: false, number: true, truth: false };
const truth: OptionShape = { kind: "scalar", text: false, number: false, truth: true };

/** Looks through defaults, pipes and the like to what has to be written. */
export function shapeOf(schema: z.core.$ZodType): OptionShape {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "string":
    case "template_literal":
      return text;
    case "number":
    case "bigint":
      return number;
    case "boolean":
      return truth;
    case "enum":
      return shapeOfValues(Object.values(def.entries));
    case "literal":
      return shapeOfValues(def.values);
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
    case "nonoptional":
    case "catch":
    case "readonly":
      return shapeOf(def.innerType);
    case "lazy":
      return shapeOf(def.getter());
    case "pipe":
      return shapeOf((def.in as z.core.$ZodTypes)._zod.def.type === "transform" ? def.out : def.in);
    case "object":
      return {
        kind: "object",
        fields: def.shape,
        isOpen: def.catchall !== undefined && typeOf(def.catchall) !== "never",
      };
    case "record":
      return { kind: "record", value: def.valueType };
    case "array":
      return { kind: "list", itemAt: () => def.element };
    case "tuple":
      return { kind: "list", itemAt: (index) => def.items[index] ?? def.rest ?? undefined };
    case "union":
      return choiceOf(def.options.map(shapeOf));
    default:
      return { kind: "anything" };
  }
}

function typeOf(schema: z.core.$ZodType): string {
  return schema._zod.def.type;
}

function shapeOfValues(values: readonly unknown[]): OptionShape {
  const has = (type: string) => values.some((value) => typeof value === type);
  return { kind: "scalar", text: has("string"), number: has("number"), truth: has("boolean") };
}

/** One shape for all scalars of a union, beside its mappings and lists. */
function choiceOf(shapes: readonly OptionShape[]): OptionShape {
  const scalars = shapes.filter((shape) => shape.kind === "scalar");
  const others = shapes.filter((shape) => shape.kind !== "scalar");
  if (scalars.length === 0) {
    return { kind: "choice", shapes: others };
  }
  const scalar: OptionShape = {
    kind: "scalar",
    text: scalars.some((shape) => shape.text),
    number: scalars.some((shape) => shape.number),
    truth: scalars.some((shape) => shape.truth),
  };
  return others.length === 0 ? scalar : { kind: "choice", shapes: [scalar, ...others] };
}
