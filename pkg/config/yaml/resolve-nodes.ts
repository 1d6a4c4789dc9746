import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type Scalar, type YAMLMap } from "yaml";
import { quote } from "#pkg/golang/quote.ts";
import type { Path, Position, Problems } from "../config-error.ts";
import {
  describeNode,
  type YamlEntry,
  type YamlGap,
  type YamlMap,
  type YamlNode,
  type YamlScalar,
} from "./yaml-node.ts";

/**
 * How many nodes all aliases of a file may stand for. A configuration of a thousand devices that share everything
 * stays below; a file made to explode does not get further.
 */
const aliasedNodes = 100_000;

const standardTag = "tag:yaml.org,2002:";
const textTag = `${standardTag}str`;
const knownTags = new Set([
  textTag,
  ...["int", "float", "bool", "null", "map", "seq"].map((type) => standardTag + type),
]);

/** Nodes of the parser as nodes of ours: aliases and merge keys resolved, the rest of what YAML can do reported. */
export function resolveNodes(contents: unknown, at: (offset: number) => Position, problems: Problems): YamlNode {
  const start: Position = { line: 1, column: 1 };
  const resolver = new Resolver(at, problems);
  const node = resolver.node(contents, [], start);
  resolver.warnAboutUnused();
  return node;
}

class Resolver {
  readonly #at: (offset: number) => Position;
  readonly #problems: Problems;
  /** By name, the latest wins; "open" while the node that has the anchor is being read. */
  readonly #anchors = new Map<string, YamlNode | "open">();
  /** Anchors that no alias has named yet. */
  readonly #unused = new Map<string, { readonly at: Position; readonly path: Path }>();
  #aliasedNodes = 0;

  constructor(at: (offset: number) => Position, problems: Problems) {
    this.#at = at;
    this.#problems = problems;
  }

  warnAboutUnused(): void {
    for (const [name, { at, path }] of this.#unused) {
      this.#problems.warn(at, path, `the anchor &${name} is never used; write *${name} where it belongs, or remove it`);
    }
  }

  /** `keyAt` is where an empty value is said to stand. */
  node(source: unknown, path: Path, keyAt: Position): YamlNode {
    if (isAlias(source)) {
      return this.#aliased(source.source, path, this.#positionOf(source, keyAt));
    }
    if (!isMap(source) && !isSeq(source) && !isScalar(source)) {
      return nothingAt(keyAt);
    }
    const at = this.#positionOf(source, keyAt);
    if (source.tag !== undefined && !knownTags.has(source.tag)) {
      this.#problems.report(
        at,
        path,
        `tags are not supported, found ${quote(source.tag.replace(standardTag, "!!"))}; remove it`,
      );
      return gapAt(at);
    }
    if (source.anchor === undefined) {
      return this.#plainNode(source, path, at);
    }
    this.#anchors.set(source.anchor, "open");
    this.#unused.set(source.anchor, { at, path });
    const node = this.#plainNode(source, path, at);
    this.#anchors.set(source.anchor, node);
    return node;
  }

  #plainNode(source: Node, path: Path, at: Position): YamlNode {
    if (isMap(source)) {
      return this.#map(source, path, at);
    }
    if (isSeq(source)) {
      const items = source.items.map((item, index) =>
        this.node(item, [...path, index], this.#startOf(item as Node, at)),
      );
      return { kind: "list", at, items, size: 1 + total(items) };
    }
    return scalar(source as Scalar, at);
  }

  #aliased(name: string, path: Path, at: Position): YamlNode {
    const target = this.#anchors.get(name);
    this.#unused.delete(name);
    if (target === undefined) {
      this.#problems.report(at, path, `no anchor named ${quote(name)} above; write &${name} before what it repeats`);
    } else if (target === "open") {
      this.#problems.report(at, path, `the anchor ${quote(name)} contains itself`);
    } else {
      const isFirstTooMany = this.#aliasedNodes <= aliasedNodes;
      this.#aliasedNodes += target.size;
      if (this.#aliasedNodes <= aliasedNodes) {
        return target;
      }
      if (isFirstTooMany) {
        this.#problems.report(at, path, `the aliases up to here stand for more than ${aliasedNodes} values`);
      }
    }
    return gapAt(at);
  }

  #map(source: YAMLMap, path: Path, at: Position): YamlMap {
    const own = new Map<string, YamlEntry>();
    const merged = new Map<string, YamlEntry>();
    for (const pair of source.items) {
      const key = this.#key(pair, path, at);
      if (key === undefined) {
        continue;
      }
      const value = this.node(pair.value, [...path, key.text], key.at);
      if (key.plain && key.text === "<<") {
        this.#merge(value, merged, [...path, "<<"]);
        continue;
      }
      const first = own.get(key.text);
      if (first === undefined) {
        own.set(key.text, { keyAt: key.at, value });
      } else {
        const { line } = first.keyAt;
        this.#problems.report(key.at, [...path, key.text], `already defined at line ${line}; remove one or rename it`);
      }
    }
    const entries = new Map([...merged, ...own]);
    return { kind: "map", at, entries, size: 1 + total([...entries.values()].map((entry) => entry.value)) };
  }

  #key(pair: Pair, path: Path, at: Position): YamlScalar | undefined {
    const key = this.node(pair.key, path, at);
    if (key.kind === "scalar") {
      return key;
    }
    if (key.kind !== "gap") {
      this.#problems.report(key.at, path, `a key must be text, found ${describeNode(key)}`);
    }
    return undefined;
  }

  /** What a `<<` brings in; of several mappings the earlier one wins. */
  #merge(value: YamlNode, into: Map<string, YamlEntry>, path: Path): void {
    for (const node of value.kind === "list" ? value.items : [value]) {
      if (node.kind === "map") {
        for (const [key, entry] of node.entries) {
          into.set(key, into.get(key) ?? entry);
        }
      } else if (node.kind !== "gap") {
        this.#problems.report(node.at, path, `<< takes a mapping or a list of mappings, found ${describeNode(node)}`);
      }
    }
  }

  #positionOf(source: Node, otherwise: Position): Position {
    const isEmpty = isScalar(source) && source.type === "PLAIN" && source.source === "";
    return isEmpty ? otherwise : this.#startOf(source, otherwise);
  }

  #startOf({ range }: Node, otherwise: Position): Position {
    return range == null ? otherwise : this.#at(range[0]);
  }
}

function scalar(source: Scalar, at: Position): YamlScalar {
  const forcedText = source.tag === textTag;
  const forcedType = source.tag !== undefined && !forcedText;
  const plain = (source.type === "PLAIN" && !forcedText) || forcedType;
  return { kind: "scalar", at, text: source.source ?? "", plain, size: 1 };
}

function gapAt(at: Position): YamlGap {
  return { kind: "gap", at, size: 1 };
}

function nothingAt(at: Position): YamlScalar {
  return { kind: "scalar", at, text: "", plain: true, size: 1 };
}

function total(nodes: readonly YamlNode[]): number {
  return nodes.reduce((sum, { size }) => sum + size, 0);
}
