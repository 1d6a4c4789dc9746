import { type Document, isMap, parseDocument } from "yaml";
import { parseOptions } from "../options.ts";
import type { SettingKey } from "../settings.ts";

interface Change {
  readonly name: string;
  /** An empty value takes the key away. */
  readonly values: readonly (readonly [key: SettingKey, value: string])[];
  readonly makeCurrent: boolean;
}

/** The text of a configuration with values set in a context, which is made if need be. Throws invalid_argument for a wrong value. */
export function setValues(text: string, { name, values, makeCurrent }: Change): string {
  for (const [key, value] of values) {
    if (value !== "") {
      parseOptions({}, { [key]: { value, place: `key ${key}` } });
    }
  }
  return edited(text, (document) => {
    for (const path of [["contexts"], ["contexts", name]]) {
      if (!isMap(document.getIn(path))) {
        document.setIn(path, document.createNode({}));
      }
    }
    for (const [key, value] of values) {
      if (value === "") {
        document.deleteIn(["contexts", name, key]);
      } else {
        document.setIn(["contexts", name, key], value);
      }
    }
    if (makeCurrent) {
      document.set("current", name);
    }
  });
}

/** The text with another current context. */
export function useContext(text: string, name: string): string {
  return edited(text, (document) => document.set("current", name));
}

/** The text without a context. */
export function removeContext(text: string, name: string): string {
  return edited(text, (document) => {
    document.deleteIn(["contexts", name]);
    if (document.get("current") === name) {
      document.delete("current");
    }
  });
}

/** Comments and everything that is not changed stay. */
function edited(text: string, change: (document: Document) => void): string {
  const document = parseDocument(text, { schema: "failsafe" });
  change(document);
  return document.toString({ lineWidth: 0 });
}
