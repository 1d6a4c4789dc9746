import assert from "node:assert/strict";
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { moduleKinds } from "#pkg/modules/modules.ts";
import { sectionOf } from "#test/support/module-contract/module-readme.ts";
import { packageSets } from "../scripts/debian-packages.mjs";

const root = join(import.meta.dirname, "..");
const table = "pkg/modules/README.md";

/** In every Debian, and not installed for the tests. */
const everywhere = ["bash", "coreutils", "dash", "tar"];

interface Row {
  readonly module: string;
  readonly real: readonly { readonly program: string; readonly debianPackage: string }[];
  readonly standIns: readonly string[];
  readonly tests: readonly string[];
}

test(`${table} says of each module what it is tried against, from packages that the tests install`, async () => {
  const rows = await documentedRows();
  const packages = rows.flatMap(({ real }) => real.map(({ debianPackage }) => debianPackage));
  const installed = new Set([...everywhere, ...(packageSets.test ?? [])]);
  assert.deepEqual(
    { modules: rows.map(({ module }) => module), unknown: packages.filter((name) => !installed.has(name)) },
    { modules: moduleKinds.map(({ name }) => name), unknown: [] },
  );
});

test("each stand-in and test of that table is there", async () => {
  const files = (await documentedRows()).flatMap(({ standIns, tests }) => [...standIns, ...tests]);
  assert.ok(files.length > moduleKinds.length);
  await Promise.all(files.map((file) => access(join(root, file))));
});

test("the README of each module names its real counterparts, and says of stand-ins that no hardware was tried", async () => {
  const unsaid = [];
  for (const { module, real, standIns } of await documentedRows()) {
    const tried = sectionOf(await readFile(join(root, `pkg/modules/${module}/README.md`), "utf8"), "What was tried");
    if (tried === undefined) {
      // That there is such a section is held by module-readmes.test.ts.
      continue;
    }
    unsaid.push(...real.filter(({ program }) => !says(tried, program)).map(({ program }) => `${module}: ${program}`));
    if (standIns.length > 0 && real.length === 0 && !/not tried\s+on\s+hardware/i.test(tried)) {
      unsaid.push(`${module}: not tried on hardware`);
    }
  }
  assert.deepEqual(unsaid, []);
});

function says(text: string, program: string): boolean {
  return new RegExp(`\\b${RegExp.escape(program)}\\b`, "i").test(text);
}

async function documentedRows(): Promise<readonly Row[]> {
  const text = sectionOf(await readFile(join(root, table), "utf8"), "What each is tried against") ?? "";
  return Array.from(
    text.matchAll(/^\| `([a-z-]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm),
    ([, module = "", real = "", standIns = "", tests = ""]) => ({
      module,
      real: Array.from(real.matchAll(/`([^`]+)` \(([a-z0-9-]+)\)/g), ([, program = "", debianPackage = ""]) => ({
        program,
        debianPackage,
      })),
      standIns: inCode(standIns),
      tests: inCode(tests),
    }),
  );
}

function inCode(cell: string): readonly string[] {
  return Array.from(cell.matchAll(/`([^`]+)`/g), ([, text = ""]) => text);
}
