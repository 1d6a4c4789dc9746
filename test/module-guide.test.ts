import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtempDisposable, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { ModuleKind } from "#pkg/modules/module.ts";
import { moduleContract } from "#test/support/module-contract/module-contract.ts";
import {
  documentedErrors,
  documentedOptions,
  formOf,
  readmeForm,
} from "#test/support/module-contract/module-readme.ts";

const root = join(import.meta.dirname, "..");
const guide = await readFile(join(root, "pkg/modules/README.md"), "utf8");

/** A working tree that has the example as a module beside the others. */
const tree = await mkdtempDisposable(join(tmpdir(), "module-guide-"));
after(() => tree.remove());
const folder = join(tree.path, "pkg/modules/led");
await makeTree();

const { led }: { led: ModuleKind } = await import(pathToFileURL(join(folder, "led.ts")).href);
const readme = blockOf("Its `README.md`", "````");

moduleContract(led, readme);

await import(pathToFileURL(join(folder, "led.test.ts")).href);

test("the README of the example has the form of all, and its option", () => {
  assert.deepEqual(
    { sections: formOf(readme), options: documentedOptions(readme), errors: documentedErrors(readme).length },
    { sections: readmeForm.slice(0, -1), options: Object.keys(led.schema.shape), errors: 3 },
  );
});

test("the example passes the type checker, with its test", async () => {
  await writeFile(
    join(tree.path, "tsconfig.json"),
    JSON.stringify({ extends: join(root, "tsconfig.json"), include: ["pkg/modules/led"] }),
  );
  await promisify(execFile)(join(root, "node_modules/.bin/tsc"), ["-p", tree.path]);
});

test("the example is formatted as all code is", async () => {
  await symlink(join(root, "biome.json"), join(tree.path, "biome.json"));
  await promisify(execFile)(join(root, "node_modules/.bin/biome"), ["check", "pkg/modules/led"], { cwd: tree.path });
});

async function makeTree(): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const room of ["pkg", "pkg/modules"]) {
    for (const name of await readdir(join(root, room))) {
      if (name !== "modules") {
        await symlink(join(root, room, name), join(tree.path, room, name));
      }
    }
  }
  for (const name of ["node_modules", "package.json", "test"]) {
    await symlink(join(root, name), join(tree.path, name));
  }
  await writeFile(join(folder, "led.ts"), blockOf("`led.ts`:", "```"));
  await writeFile(join(folder, "led.test.ts"), blockOf("`led.test.ts`:", "```"));
}

/** What stands in the first block after a text. */
function blockOf(before: string, fence: string): string {
  const [, after = ""] = guide.split(before);
  const [, block = ""] = after.split(new RegExp(`^${fence}(?:\\w*)\\n`, "m"));
  return block;
}
