import type { z } from "zod";
import { complain, complainAboutKey, entriesOf, itemsOf, type Place, unknownKey } from "../place.ts";
import type { OptionSecrets } from "../secrets/option-secrets.ts";
import { otherNumber, parseNumber, parseTruth } from "../yaml/scalars.ts";
import { isNothing, type YamlScalar } from "../yaml/yaml-node.ts";
import { type OptionShape, shapeOf } from "./option-shape.ts";

/**
 * A value for a schema of this shape to check. Scalars become what the schema wants: text stays as it was written
 * (`0755` is "0755"), `yes` is true where a truth value is wanted and text elsewhere. Unknown keys are complained
 * about and left out; a key with nothing after it counts as absent. In text, references to secrets are replaced. What does
 * not fit is handed on for the schema to say.
 */
export function readOptions(place: Place, shape: OptionShape, secrets: OptionSecrets): unknown {
  const { node } = place;
  if (shape.kind === "choice") {
    return readOptions(place, chosen(place, shape.shapes), secrets);
  }
  switch (node.kind) {
    case "gap":
      return undefined;
    case "scalar":
      return readScalar(place, node, shape, secrets);
    case "list":
      return itemsOf(place, "").map((item, index) => {
        const schema = shape.kind === "list" ? shape.itemAt(index) : undefined;
        return readOptions(item, schema === undefined ? anything : shapeOf(schema), secrets);
      });
    case "map":
      return readMap(place, shape, secrets);
  }
}

const anything: OptionShape = { kind: "anything" };

/** Without a prototype, so that no key means more than a key. */
function readMap(place: Place, shape: OptionShape, secrets: OptionSecrets): Record<string, unknown> {
  const options: Record<string, unknown> = Object.create(null);
  for (const [key, field] of entriesOf(place, "")) {
    if (shape.kind === "record" && key === "__proto__") {
      complainAboutKey(field, "this name cannot be used here");
    } else if (shape.kind !== "object") {
      options[key] = readOptions(field, shape.kind === "record" ? shapeOf(shape.value) : anything, secrets);
    } else if (Object.hasOwn(shape.fields, key)) {
      if (!isNothing(field.node)) {
        options[key] = readOptions(field, shapeOf(shape.fields[key] as z.core.$ZodType), secrets);
      }
    } else if (shape.isOpen) {
      options[key] = readOptions(field, anything, secrets);
    } else {
      complainAboutKey(field, unknownKey("option", key, Object.keys(shape.fields)));
    }
  }
  return options;
}

function readScalar(place: Place, node: YamlScalar, shape: OptionShape, secrets: OptionSecrets): unknown {
  if (isNothing(node)) {
    return null;
  }
  const isFree = shape.kind === "anything";
  const wants = shape.kind === "scalar" ? shape : { text: false, number: isFree, truth: isFree };
  const number = wants.number ? parseNumber(node) : undefined;
  const other = number === undefined || isFree || wants.text ? undefined : otherNumber(node);
  if (other !== undefined) {
    complain(
      place,
      `${node.text} is ${number} or ${other}, depending on who reads it; write it without the leading zero`,
    );
  }
  const value = number ?? (wants.truth ? parseTruth(node) : undefined);
  return value ?? (wants.text || isFree ? secrets.resolve(place, node.text) : node.text);
}

/** The alternative for what was written; mappings that cannot be told apart are left for the schema to judge. */
function chosen({ node }: Place, shapes: readonly OptionShape[]): OptionShape {
  const kinds: readonly string[] = { scalar: ["scalar"], list: ["list"], gap: [], map: ["object", "record"] }[
    node.kind
  ];
  const [fitting, ...others] = shapes.filter((shape) => kinds.includes(shape.kind));
  return fitting !== undefined && others.length === 0 ? fitting : anything;
}
