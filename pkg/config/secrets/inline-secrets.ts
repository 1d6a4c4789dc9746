import type { z } from "zod";
import { type OptionShape, shapeOf } from "../options/option-shape.ts";
import type { Parsing } from "../parsing.ts";
import { entriesOf, itemsOf, type Place, warn } from "../place.ts";
import { isNothing } from "../yaml/yaml-node.ts";
import type { OptionSecrets } from "./option-secrets.ts";
import { namesSecret } from "./secret-source.ts";

/**
 * Takes options that are secrets by what they are for (`writeOnly` in their schema) and stand in the file as they are;
 * warns when others can read the file.
 */
export function takeInlineSecrets(
  schema: z.core.$ZodType,
  place: Place,
  secrets: OptionSecrets,
  parsing: Pick<Parsing, "readableByOthers">,
): void {
  const { node } = place;
  if (node.kind === "scalar") {
    if (isSecret(schema) && !isNothing(node) && !namesSecret(node.text)) {
      secrets.add(node.text);
      if (parsing.readableByOthers) {
        warn(
          place,
          `a secret in a file that others can read; write \${file:PATH} or \${env:NAME}, or chmod 600 this file`,
        );
      }
    }
    return;
  }
  for (const [inner, at] of partsOf(shapeOf(schema), place)) {
    takeInlineSecrets(inner, at, secrets, parsing);
  }
}

function isSecret(schema: z.core.$ZodType): boolean {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  return (schema as z.ZodType).meta()?.writeOnly === true || ("innerType" in def && isSecret(def.innerType));
}

/** What a mapping or a list holds, with the schema of each part. */
function partsOf(shape: OptionShape, place: Place): readonly (readonly [z.core.$ZodType, Place])[] {
  if (place.node.kind === "map" && shape.kind === "object") {
    return Array.from(entriesOf(place, "")).flatMap(([key, at]) => {
      const inner = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
      return inner === undefined ? [] : [[inner, at] as const];
    });
  }
  if (place.node.kind === "map" && shape.kind === "record") {
    return Array.from(entriesOf(place, "").values(), (at) => [shape.value, at] as const);
  }
  if (place.node.kind === "list" && shape.kind === "list") {
    return itemsOf(place, "").flatMap((at, index) => {
      const inner = shape.itemAt(index);
      return inner === undefined ? [] : [[inner, at] as const];
    });
  }
  return [];
}
