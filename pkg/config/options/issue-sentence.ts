import { z } from "zod";
import { nearest } from "#pkg/errors/nearest.ts";
import { quote } from "#pkg/golang/quote.ts";
import { describeNode, isNothing, quotesHint, type YamlNode } from "../yaml/yaml-node.ts";

const expectations: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  bigint: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "a mapping",
  record: "a mapping",
};

/** What is counted in a thing that is too short or too long. */
const counted: Readonly<Record<string, string>> = {
  string: "characters",
  array: "entries",
  set: "entries",
  map: "entries",
};

/**
 * Says what a schema holds against an option, where the module does not say it itself. `node` is what was written, if
 * anything; `schema` tells what a missing option is for. Undefined leaves the sentence to zod.
 */
export function issueSentence(
  issue: z.core.$ZodRawIssue,
  node: YamlNode | undefined,
  schema: z.ZodObject,
): string | undefined {
  const found = node === undefined ? "" : `, found ${describeNode(node)}`;
  if (issue.input === undefined && (node === undefined || isNothing(node))) {
    return missingSentence(issue.path ?? [], schema);
  }
  switch (issue.code) {
    case "invalid_type":
      return `expected ${expectations[issue.expected] ?? issue.expected}${found}${node === undefined ? "" : quotesHint(node)}`;
    case "invalid_value":
      return `expected ${oneOf(issue.values)}${found}${suggestion(issue.values, node)}`;
    case "too_small":
      return issue.origin in counted && issue.minimum === 1
        ? "must not be empty"
        : `expected ${range(issue.exact ? "exactly" : issue.inclusive === false ? "more than" : "at least", issue.minimum, issue.origin)}${found}`;
    case "too_big":
      return `expected ${range(issue.exact ? "exactly" : issue.inclusive === false ? "less than" : "at most", issue.maximum, issue.origin)}${found}`;
    case "not_multiple_of":
      return `expected a multiple of ${issue.divisor}${found}`;
    case "invalid_format":
      return `expected ${issue.format === "regex" ? `text that matches ${issue.pattern}` : `a valid ${issue.format}`}${found}`;
    case "invalid_union":
      return `expected ${alternatives(issue.errors)}${found}`;
    default:
      return undefined;
  }
}

function missingSentence(path: readonly PropertyKey[], schema: z.ZodObject): string {
  const name = String(path.at(-1));
  const option = path.length === 1 ? schema.shape[name] : undefined;
  const meaning = option instanceof z.ZodType ? option.description : undefined;
  return `required option ${quote(name)} is missing${meaning === undefined ? "" : ` (${meaning})`}`;
}

function range(relation: string, limit: number | bigint, origin: string): string {
  const unit = counted[origin];
  return `${relation} ${limit}${unit === undefined ? "" : ` ${unit}`}`;
}

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.join(", ")}`;
}

function suggestion(values: readonly unknown[], node: YamlNode | undefined): string {
  const meant = node?.kind === "scalar" ? nearest(node.text, values.map(String)) : undefined;
  return meant === undefined ? "" : ` (did you mean ${meant}?)`;
}

/** What the alternatives of a union expected, when it is the kind of value that is wrong. */
function alternatives(errors: readonly (readonly z.core.$ZodIssue[])[]): string {
  const expected = errors.flatMap((issues) => issues.map(({ message }) => /^expected ([^,]*)/.exec(message)?.[1]));
  const distinct = [...new Set(expected.filter((clause) => clause !== undefined))];
  return distinct.length === 0 ? "something else" : distinct.join(" or ");
}
