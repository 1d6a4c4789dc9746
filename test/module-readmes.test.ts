import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseConfig } from "#pkg/config/parse-config.ts";
import { secretsElsewhere } from "#pkg/config/secrets/secret-source.ts";
import { moduleKinds } from "#pkg/modules/modules.ts";

const root = join(import.meta.dirname, "..");

for (const { name, schema } of moduleKinds) {
  const file = `pkg/modules/${name}/README.md`;

  test(`${file} has an option table with exactly the options of ${name}`, async () => {
    assert.deepEqual(documentedOptions(await readFile(join(root, file), "utf8")), Object.keys(schema.shape).sort());
  });
}

for (const file of [
  "README.md",
  "pkg/config/README.md",
  "contrib/editor/README.md",
  ...moduleKinds.map(({ name }) => `pkg/modules/${name}/README.md`),
]) {
  test(`${file} shows configurations that are valid as they stand`, async () => {
    const examples = yamlBlocks(await readFile(join(root, file), "utf8"));
    assert.notEqual(examples.length, 0, "there is no ```yaml example");
    for (const { line, text } of examples) {
      parseConfig(`${file} from line ${line}`, text, moduleKinds, { secrets: secretsElsewhere });
    }
  });
}

for (const file of await Array.fromAsync(glob("contrib/**/*.yaml", { cwd: root }))) {
  const text = await readFile(join(root, file), "utf8");
  if (isForAnotherProgram(text)) {
    continue;
  }
  test(`${file} is a valid configuration`, () => {
    parseConfig(file, text, moduleKinds, { secrets: secretsElsewhere });
  });
}

/** First column of the table with the head `| option | type | default | meaning |`; none is written when there are no options. */
function documentedOptions(readme: string): readonly string[] {
  const [, rows = ""] =
    /^\| *option *\| *type *\| *default *\| *meaning *\|\n\|[-:| ]+\|\n((?:\|.*\n?)*)/m.exec(readme) ?? [];
  return Array.from(rows.matchAll(/^\|\s*`?([^|`\s]+)`?\s*\|/gm), ([, option]) => option as string).sort();
}

function yamlBlocks(readme: string): readonly { readonly line: number; readonly text: string }[] {
  return Array.from(readme.matchAll(/^```ya?ml\n([\s\S]*?)^```/gm), ({ index, 1: text = "" }) => ({
    line: readme.slice(0, index).split("\n").length,
    text,
  }));
}

/** Kubernetes and compose files have these keys at their top, which no configuration of an agent has. */
function isForAnotherProgram(text: string): boolean {
  return /^(?:apiVersion|services):/m.test(text);
}
