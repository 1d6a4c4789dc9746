import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Ajv } from "ajv";
import { parse } from "yaml";
import { configSchema } from "#pkg/config/schema/config-schema.ts";
import type { ModuleKind } from "#pkg/modules/module.ts";
import { moduleKinds } from "#pkg/modules/modules.ts";
import { caseKinds } from "./kinds.ts";

const root = join(import.meta.dirname, "../..");

/** The problems that an editor shows in a file; what is no YAML is a problem too. */
function editor(kinds: readonly ModuleKind[]): (text: string) => readonly string[] {
  const validate = new Ajv({ strict: false, allErrors: true }).compile(configSchema(kinds));
  return (text) => {
    let value: unknown;
    try {
      value = parse(text, { merge: true, logLevel: "error" });
    } catch (error) {
      return [(error as Error).message];
    }
    return validate(value)
      ? []
      : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  };
}

async function filesOf(pattern: string): Promise<readonly { file: string; text: string }[]> {
  const files = await Array.fromAsync(glob(pattern, { cwd: root }));
  return Promise.all(files.sort().map(async (file) => ({ file, text: await readFile(join(root, file), "utf8") })));
}

test("an editor has nothing against a valid configuration", async () => {
  const problems = editor(caseKinds);
  const valid = (await filesOf("test/config/*.yaml")).filter(({ text }) => /^# configuration:/m.test(text));
  assert.notEqual(valid.length, 0);
  for (const { file, text } of valid) {
    assert.deepEqual(problems(text), [], file);
  }
});

test("an editor has nothing against the examples in contrib", async () => {
  const problems = editor(moduleKinds);
  for (const { file, text } of await filesOf("contrib/**/*.yaml")) {
    if (/^devices:/m.test(text)) {
      assert.deepEqual(problems(text), [], file);
    }
  }
});

test("an editor sees every mistake but those that no schema can describe", async () => {
  const problems = editor(caseKinds);
  const mistaken = (await filesOf("test/config/*.yaml")).filter(({ text }) => !/^# configuration:/m.test(text));
  const unseen = mistaken.filter(({ text }) => problems(text).length === 0).map(({ file }) => file);
  assert.deepEqual(unseen, [
    "test/config/alike-names.yaml",
    "test/config/argument-references.yaml",
    "test/config/claims.yaml",
  ]);
});

test("what an editor completes has its default and its meaning", () => {
  const { definitions } = configSchema(moduleKinds) as { definitions: Record<string, { properties: object }> };
  assert.deepEqual(definitions["options-of-time-wait"]?.properties, {
    duration: {
      type: ["string", "number", "boolean", "null"],
      default: "1s",
      description: "how long to wait when no argument says it",
    },
  });
});
