import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseConfig } from "#pkg/config/parse-config.ts";
import { secretsElsewhere } from "#pkg/config/secrets/secret-source.ts";
import { moduleKinds } from "#pkg/modules/modules.ts";
import {
  documentedErrors,
  documentedOptions,
  formOf,
  goModules,
  readmeForm,
  yamlBlocks,
} from "#test/support/module-contract/module-readme.ts";

const root = join(import.meta.dirname, "..");

for (const { name, schema } of moduleKinds) {
  const file = `pkg/modules/${name}/README.md`;

  test(`${file} has an option table with exactly the options of ${name}`, async () => {
    assert.deepEqual(documentedOptions(await readFile(join(root, file), "utf8")), Object.keys(schema.shape).sort());
  });
}

for (const { name } of moduleKinds) {
  const file = `pkg/modules/${name}/README.md`;
  const sections = readmeForm.slice(0, goModules.has(name) ? undefined : -1);

  test(`${file} has the form that the READMEs of modules have, with its name on top and a table of errors`, async () => {
    const readme = await readFile(join(root, file), "utf8");
    const [title] = readme.split("\n");
    assert.deepEqual({ title, sections: formOf(readme) }, { title: `# ${name}`, sections });
    assert.notEqual(documentedErrors(readme).length, 0, "there is no table | message | what to do |");
  });
}

test("README.md names every module, with the way to its README", async () => {
  const text = await readFile(join(root, "README.md"), "utf8");
  const missing = moduleKinds.filter(({ name }) => !text.includes(`[${name}](pkg/modules/${name}/README.md)`));
  assert.deepEqual(missing, []);
});

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

/** Kubernetes and compose files have these keys at their top, which no configuration of an agent has. */
function isForAnotherProgram(text: string): boolean {
  return /^(?:apiVersion|services):/m.test(text);
}
