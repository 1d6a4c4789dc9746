import { quote } from "#pkg/golang/quote.ts";
import type { Position } from "../config-error.ts";
import { parseNumber, parseTruth } from "./scalars.ts";

/** YAML as this folder needs it: aliases and merge keys are resolved, and everything knows where it was written. */
export type YamlNode = YamlScalar | YamlMap | YamlList | YamlGap;

interface Written {
  /** Where the text starts; an empty value stands where its key does. */
  readonly at: Position;
  /** How many nodes a walk through it visits. */
  readonly size: number;
}

export interface YamlScalar extends Written {
  readonly kind: "scalar";
  /** What was written, without quotes and escapes: `0755` stays `0755`. */
  readonly text: string;
  /** Whether it was written without quotes, so that it may also be read as a number, a truth value or nothing. */
  readonly plain: boolean;
}

export interface YamlMap extends Written {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, YamlEntry>;
}

export interface YamlEntry {
  readonly keyAt: Position;
  readonly value: YamlNode;
}

export interface YamlList extends Written {
  readonly kind: "list";
  readonly items: readonly YamlNode[];
}

/** Stands for what could not be read. That has been complained about, so nobody needs to complain about the gap. */
export interface YamlGap extends Written {
  readonly kind: "gap";
}

/** Whether nothing was written, or one of the words for nothing. */
export function isNothing(node: YamlNode): boolean {
  return node.kind === "scalar" && node.plain && /^(?:|~|null|Null|NULL)$/.test(node.text);
}

/** The node in words, after "found". */
export function describeNode(node: YamlNode): string {
  if (isNothing(node)) {
    return "nothing";
  }
  switch (node.kind) {
    case "map":
      return "a mapping";
    case "list":
      return "a list";
    case "gap":
      return "something that cannot be read";
    case "scalar":
      if (node.plain && (parseNumber(node) ?? parseTruth(node)) !== undefined) {
        return node.text;
      }
      return node.plain ? excerpt(node.text) : `the quoted text ${excerpt(node.text)}`;
  }
}

/** What to do about a scalar that only its quotes keep from being a number or a truth value; "" for others. */
export function quotesHint(node: YamlNode): string {
  const unquoted = node.kind === "scalar" && !node.plain ? { ...node, plain: true } : undefined;
  const wouldDo = unquoted !== undefined && (parseNumber(unquoted) ?? parseTruth(unquoted)) !== undefined;
  return wouldDo ? "; remove the quotes" : "";
}

/** Enough to recognise a text by. */
const excerptLength = 60;

function excerpt(text: string): string {
  return text.length > excerptLength ? `${quote(text.slice(0, excerptLength))}...` : quote(text);
}
