import type { z } from "zod";
import { DutError, explain } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { ConfiguredModule, ModuleKind } from "#pkg/modules/module.ts";
import type { Parsing } from "../parsing.ts";
import { complain, type Place } from "../place.ts";
import { takeInlineSecrets } from "../secrets/inline-secrets.ts";
import { maskedModule } from "../secrets/masked-module.ts";
import { OptionSecrets } from "../secrets/option-secrets.ts";
import { describeNode, isNothing, type YamlNode } from "../yaml/yaml-node.ts";
import { issueSentence } from "./issue-sentence.ts";
import { shapeOf } from "./option-shape.ts";
import { readOptions } from "./read-options.ts";

/**
 * The module with the options below `with`, or undefined after complaining about each of them at the text that is to
 * blame. What is missing is complained about at `with`, or at the entry `use` when there is none. The module's help,
 * errors and log lines hide the secrets among its options.
 */
export function configureModule(
  kind: ModuleKind,
  given: Place | undefined,
  use: Place,
  parsing: Parsing,
): ConfiguredModule | undefined {
  if (given !== undefined && given.node.kind !== "map" && !isNothing(given.node)) {
    complain(given, `expected a mapping of options, found ${describeNode(given.node)}`);
    return undefined;
  }
  const place = given ?? { ...use, path: [...use.path, "with"] };
  const written = given?.node.kind === "map" ? given.node : undefined;
  const secrets = new OptionSecrets(parsing);
  const options = written === undefined ? {} : readOptions(place, shapeOf(kind.schema), secrets);
  if (given !== undefined) {
    takeInlineSecrets(kind.schema, given, secrets, parsing);
  }
  try {
    const { success, error } = kind.schema.safeParse(options, {
      error: (issue) => issueSentence(issue, nodeAt(written, issue.path ?? []), kind.schema),
    });
    if (success && !secrets.anyMissing) {
      return maskedModule(kind.configure(options), secrets.mask);
    }
    for (const issue of error?.issues ?? []) {
      complainAboutIssue(issue, written, place, secrets);
    }
  } catch (error) {
    if (!(error instanceof DutError)) {
      throw error;
    }
    complain(place, secrets.mask.text(explain(error)));
  }
  return undefined;
}

function complainAboutIssue(
  issue: z.core.$ZodIssue,
  written: YamlNode | undefined,
  place: Place,
  secrets: OptionSecrets,
): void {
  const steps = issue.path.map((step) => (typeof step === "symbol" ? String(step) : step));
  const node = nodeAt(written, steps);
  if (secrets.isMissing(node)) {
    return;
  }
  if (issue.code === "unrecognized_keys" && node?.kind === "map") {
    for (const key of issue.keys) {
      const at = node.entries.get(key)?.keyAt ?? node.at;
      place.problems.report(at, [...place.path, ...steps, key], `unknown option ${quote(key)}`);
    }
    return;
  }
  const toBlame = node ?? nodeAt(written, steps.slice(0, -1)) ?? place.node;
  complain({ ...place, node: toBlame, path: [...place.path, ...steps] }, secrets.mask.text(issue.message));
}

function nodeAt(root: YamlNode | undefined, path: readonly PropertyKey[]): YamlNode | undefined {
  let node = root;
  for (const step of path) {
    if (node?.kind === "map") {
      node = node.entries.get(String(step))?.value;
    } else if (node?.kind === "list") {
      node = node.items[Number(step)];
    } else {
      return undefined;
    }
  }
  return node;
}
