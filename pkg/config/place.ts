import { nearest } from "#pkg/errors/nearest.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Path, Position, Problems } from "./config-error.ts";
import { parseTruth } from "./yaml/scalars.ts";
import { describeNode, isNothing, quotesHint, type YamlNode } from "./yaml/yaml-node.ts";

/** A value and all that is needed to complain about it. */
export interface Place {
  readonly node: YamlNode;
  /** Where its key stands; the value itself for what has no key. */
  readonly keyAt: Position;
  readonly path: Path;
  readonly problems: Problems;
}

/** What a key that used to exist, or that is documented wrongly elsewhere, is called here. */
const renamedKeys: ReadonlyMap<string, string> = new Map([
  ["description", "desc"],
  ["commands", "cmds"],
  ["modules", "uses"],
  ["main", "passthrough"],
  ["options", "with"],
  ["name", "module"],
]);

/** Of a gap everything has been said. */
export function complain(place: Place, sentence: string): void {
  complainAt(place, place.node.at, sentence);
}

/** The same at the key: for what is missing below it, or wrong with the name itself. */
export function complainAboutKey(place: Place, sentence: string): void {
  complainAt(place, place.keyAt, sentence);
}

/** Says at the value what is allowed and probably not meant. */
export function warn({ node, path, problems }: Place, sentence: string): void {
  problems.warn(node.at, path, sentence);
}

/** The same at the key. */
export function warnAboutKey({ keyAt, path, problems }: Place, sentence: string): void {
  problems.warn(keyAt, path, sentence);
}

function complainAt({ node, path, problems }: Place, at: Position, sentence: string): void {
  if (node.kind !== "gap") {
    problems.report(at, path, sentence);
  }
}

/** The values of a mapping with free names. Anything else is complained about, unless nothing was written. */
export function entriesOf(place: Place, expected: string): ReadonlyMap<string, Place> {
  const { node, path, problems } = place;
  if (node.kind === "map") {
    return new Map(
      Array.from(node.entries, ([key, { keyAt, value }]) => [
        key,
        { node: value, keyAt, path: [...path, key], problems },
      ]),
    );
  }
  if (!isNothing(node)) {
    complain(place, `expected ${expected}, found ${describeNode(node)}`);
  }
  return new Map();
}

/** The values of a mapping with known names; other names are complained about, those that `isOpen` lets through are left out. */
export function fieldsOf<Key extends string>(
  place: Place,
  known: readonly Key[],
  isOpen: (key: string) => boolean = () => false,
): Partial<Record<Key, Place>> {
  const fields: Partial<Record<Key, Place>> = {};
  for (const [key, field] of entriesOf(place, `a mapping with ${known.join(", ")}`)) {
    const name = known.find((candidate) => candidate === key);
    if (name !== undefined) {
      fields[name] = field;
    } else if (!isOpen(key)) {
      complainAboutKey(field, unknownKey("key", key, known));
    }
  }
  return fields;
}

export function unknownKey(what: "key" | "option", key: string, known: readonly string[]): string {
  const renamed = renamedKeys.get(key);
  const meant = nearest(key, known) ?? (renamed !== undefined && known.includes(renamed) ? renamed : undefined);
  const allowed = known.length === 0 ? `there are no ${what}s here` : `allowed: ${known.join(", ")}`;
  return `unknown ${what} ${quote(key)} (${meant === undefined ? allowed : `did you mean ${meant}? ${allowed}`})`;
}

/** Text as it was written, be it a number or a word for a truth value; complains and gives "" for anything else. */
export function textOf(place: Place): string {
  const { node } = place;
  if (node.kind === "scalar" && !isNothing(node)) {
    return node.text;
  }
  const quoted = node.kind === "scalar" ? `; write ${quote(node.text)} with its quotes if you mean that` : "";
  complain(place, `expected text, found ${describeNode(node)}${quoted}`);
  return "";
}

/** Text that may be absent: "" then. */
export function optionalTextOf(place: Place | undefined): string {
  return place === undefined || isNothing(place.node) ? "" : textOf(place);
}

/** A truth value that may be absent: false then. */
export function truthOf(place: Place | undefined): boolean {
  if (place === undefined || isNothing(place.node)) {
    return false;
  }
  const truth = place.node.kind === "scalar" ? parseTruth(place.node) : undefined;
  if (truth === undefined) {
    complain(place, `expected true or false, found ${describeNode(place.node)}${quotesHint(place.node)}`);
  }
  return truth ?? false;
}

/** The entries of a list that may be absent. */
export function itemsOf(place: Place | undefined, expected: string): readonly Place[] {
  if (place === undefined || isNothing(place.node)) {
    return [];
  }
  const { node, path, problems } = place;
  if (node.kind === "list") {
    return node.items.map((item, index) => ({ node: item, keyAt: item.at, path: [...path, index], problems }));
  }
  complain(place, `expected ${expected}, found ${describeNode(node)}`);
  return [];
}
