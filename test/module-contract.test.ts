import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { moduleKinds } from "#pkg/modules/modules.ts";
import { moduleContract } from "#test/support/module-contract/module-contract.ts";

const root = join(import.meta.dirname, "..");

/** What opens and reads by itself. */
const machine = /^node:(?:child_process|cluster|dgram|dns|fs|http|http2|https|inspector|net|tls|tty|worker_threads)\b/;

/** Where the library asks for a socket of Node's. */
const exceptions: readonly string[] = ["pkg/modules/ssh/connection/dial.ts: node:net"];

for (const kind of moduleKinds) {
  moduleContract(kind, readFileSync(join(root, `pkg/modules/${kind.name}/README.md`), "utf8"));
}

test("modules stand in the list by name, each once", () => {
  const names = moduleKinds.map(({ name }) => name);
  assert.deepEqual(names, Array.from(new Set(names)).sort());
});

test("no module touches the machine but through its host, which it gets when it opens", async () => {
  const files = await Array.fromAsync(glob("pkg/modules/**/*.ts", { cwd: root, exclude: ["**/*.test.ts"] }));
  const found = files.sort().map(async (file) => {
    const imports = (await readFile(join(root, file), "utf8")).matchAll(/"(node:[\w/]+)"/g);
    return Array.from(imports, ([, specifier = ""]) => specifier)
      .filter((specifier) => machine.test(specifier))
      .map((specifier) => `${file}: ${specifier}`);
  });
  assert.deepEqual((await Promise.all(found)).flat(), exceptions);
});
