import { LineCounter, parseDocument, type YAMLError } from "yaml";
import type { Problems } from "../config-error.ts";
import { resolveNodes } from "./resolve-nodes.ts";
import type { YamlNode } from "./yaml-node.ts";

/** A broken file breaks again on the lines that follow; beyond this many the rest is only counted. */
const reportedSyntaxErrors = 20;

/**
 * The first document of a YAML text, or undefined after reporting why it cannot be read. What can be passed over
 * (a key that is there twice, a tag, an alias without an anchor) is reported too and leaves a gap.
 */
export function parseYaml(text: string, problems: Problems): YamlNode | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    schema: "core",
    merge: false,
  });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const syntaxErrors = firstOfEachLine(document.errors, (error) => at(error.pos[0]).line);
  for (const error of syntaxErrors.slice(0, reportedSyntaxErrors)) {
    problems.report(at(error.pos[0]), [], syntaxSentence(error));
  }
  const [unreported] = syntaxErrors.slice(reportedSyntaxErrors);
  if (unreported !== undefined) {
    problems.report(
      at(unreported.pos[0]),
      [],
      `the ${syntaxErrors.length - reportedSyntaxErrors} lines from here that are no YAML either are not listed`,
    );
  }
  const readable = document.errors.every(({ code }) => code === "MULTIPLE_DOCS");
  return readable ? resolveNodes(document.contents, at, problems) : undefined;
}

function firstOfEachLine(errors: readonly YAMLError[], lineOf: (error: YAMLError) => number): readonly YAMLError[] {
  const byLine = new Map<number, YAMLError>();
  for (const error of errors) {
    const line = lineOf(error);
    if (!byLine.has(line)) {
      byLine.set(line, error);
    }
  }
  return [...byLine.values()];
}

function syntaxSentence({ code, message }: YAMLError): string {
  switch (code) {
    case "TAB_AS_INDENT":
      return "a tab cannot indent; use blanks";
    case "BLOCK_AS_IMPLICIT_KEY":
      return 'a mapping cannot start here; check the indentation, or put quotes around text that contains ": "';
    case "MULTILINE_IMPLICIT_KEY":
      return 'expected "key: value"; check for a missing colon and the indentation';
    case "BAD_SCALAR_START":
      return `text cannot start with ${message.at(-1)}; put it in quotes`;
    case "MULTIPLE_DOCS":
      return "only one document is read; put everything above this line or remove it";
    case "RESOURCE_EXHAUSTION":
      return "nested too deeply";
    case "BAD_INDENT": {
      const [, closing] = /end with a (.)$/.exec(message) ?? [];
      return closing === undefined
        ? lowerFirst(message)
        : `missing ${closing} before this, or what it closes is not indented enough`;
    }
    default:
      return lowerFirst(message);
  }
}

function lowerFirst(message: string): string {
  return `${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}
