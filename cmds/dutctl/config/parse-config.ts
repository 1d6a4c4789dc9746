import { isMap, isScalar, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from "yaml";
import { DutError } from "#pkg/errors/dut-error.ts";
import { nearest } from "#pkg/errors/nearest.ts";
import { quote } from "#pkg/golang/quote.ts";
import { type Setting, type Settings, settingKeys } from "../settings.ts";
import { isContextName } from "./config-request.ts";

/** A configuration file. */
export interface Config {
  /** The context that is used when none is named. */
  readonly current: string | undefined;
  readonly contexts: ReadonlyMap<string, Settings>;
}

/** A problem with the node that has it. */
interface Problem {
  readonly offset: number;
  readonly message: string;
}

/** Reads a configuration file. Throws one invalid_argument with every problem, each with file and line. */
export function parseConfig(text: string, path: string): Config {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, schema: "failsafe", prettyErrors: false });
  const problems: Problem[] = document.errors.map(({ pos: [offset], message }) => ({ offset, message }));
  const place = (offset: number) => `${path}:${lineCounter.linePos(offset).line}`;
  const config = problems.length > 0 ? emptyConfig : readDocument(document.contents, problems, place);
  if (problems.length > 0) {
    const lines = problems.map(({ offset, message }) => `${place(offset)}: ${message}`);
    throw new DutError("invalid_argument", lines.join("\n"), {
      hint: "correct it; dutctl help config-file shows a whole file",
    });
  }
  return config;
}

const emptyConfig: Config = { current: undefined, contexts: new Map() };

type PlaceOf = (offset: number) => string;

function readDocument(contents: Node | null, problems: Problem[], place: PlaceOf): Config {
  if (contents === null || (isScalar(contents) && contents.value === "")) {
    return emptyConfig;
  }
  if (!isMap(contents)) {
    problems.push({
      offset: offsetOf(contents),
      message: "a configuration is a mapping with the keys current and contexts",
    });
    return emptyConfig;
  }
  const contexts = new Map<string, Settings>();
  let current: { name: string; offset: number } | undefined;
  for (const [key, value, offset] of entries(contents)) {
    if (key === "current") {
      const name = scalarText(value);
      if (name === undefined) {
        problems.push({ offset, message: "current must be the name of a context" });
      } else if (name !== "") {
        current = { name, offset };
      }
    } else if (key === "contexts") {
      readContexts(value, offset, { contexts, problems, place });
    } else {
      problems.push({ offset, message: unknownKey(key, ["current", "contexts"]) });
    }
  }
  if (current !== undefined && !contexts.has(current.name)) {
    const meant = nearest(current.name, contexts.keys());
    problems.push({
      offset: current.offset,
      message: `current: no context ${quote(current.name)}${meant === undefined ? "" : `; did you mean ${quote(meant)}?`}`,
    });
  }
  return { current: current?.name, contexts };
}

function readContexts(
  value: unknown,
  offset: number,
  { contexts, problems, place }: { contexts: Map<string, Settings>; problems: Problem[]; place: PlaceOf },
): void {
  if (scalarText(value) === "") {
    return;
  }
  if (!isMap(value)) {
    problems.push({ offset, message: "contexts must be a mapping of names to contexts" });
    return;
  }
  for (const [name, context, nameOffset] of entries(value)) {
    if (!isContextName(name)) {
      problems.push({
        offset: nameOffset,
        message: `${quote(name)} is no name for a context: it has letters, digits, dots, dashes and underscores`,
      });
    }
    contexts.set(name, readContext(name, context, nameOffset, { problems, place }));
  }
}

function readContext(
  name: string,
  context: unknown,
  offset: number,
  { problems, place }: { problems: Problem[]; place: PlaceOf },
): Settings {
  if (scalarText(context) === "") {
    return {};
  }
  if (!isMap(context)) {
    problems.push({ offset, message: `context ${quote(name)} must be a mapping of keys to values` });
    return {};
  }
  const settings: Record<string, Setting> = {};
  for (const [key, value, keyOffset] of entries(context)) {
    const text = scalarText(value);
    if (!Object.hasOwn(settingKeys, key)) {
      problems.push({ offset: keyOffset, message: unknownKey(key, Object.keys(settingKeys)) });
    } else if (text === undefined) {
      problems.push({ offset: keyOffset, message: `${key} must be a single value` });
    } else if (text !== "") {
      settings[key] = { value: text, place: `${key} of context ${quote(name)} (${place(keyOffset)})` };
    }
  }
  return settings;
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  return `unknown key ${quote(key)}${meant === undefined ? `: the keys here are ${known.join(", ")}` : `; did you mean ${meant}?`}`;
}

/** The text of a scalar as it is written; "" for an empty one, undefined for anything else. */
function scalarText(value: unknown): string | undefined {
  if (value === null) {
    return "";
  }
  return isScalar(value) ? String(value.value ?? "") : undefined;
}

function* entries(map: YAMLMap): Generator<[key: string, value: unknown, offset: number]> {
  for (const { key, value } of map.items as readonly Pair<Node, Node | null>[]) {
    yield [isScalar(key) ? String(key.value) : "?", value, offsetOf(key)];
  }
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
