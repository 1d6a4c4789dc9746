import assert from "node:assert/strict";
import { test } from "node:test";
import { expandTemplate, referencesIn } from "./template.ts";

const texts = [`\${a}-\${b}-\${a}`, `$\${a}`, `$$\${a}`, `$a $$ \${a:-x} \${} \${a b} $(a)`, `\${a}$\${b}\${b}`];

test("references are replaced, an extra dollar keeps one as text, and everything else stays", () => {
  const values: Readonly<Record<string, string>> = { a: `\${b}`, b: "$&" };
  assert.deepEqual(
    texts.map((text) => expandTemplate(text, (name) => values[name] ?? "?")),
    [`\${b}-$&-\${b}`, `\${a}`, `$\${a}`, `$a $$ \${a:-x} \${} \${a b} $(a)`, `\${b}\${b}$&`],
  );
});

test("only references count as references", () => {
  assert.deepEqual(texts.map(referencesIn), [["a", "b", "a"], [], [], [], ["a", "b"]]);
});
