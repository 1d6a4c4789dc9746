import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

const bottom = ["pkg/errors", "pkg/golang", "pkg/log", "pkg/metrics", "pkg/directory"];
const middle = ["pkg/host", "pkg/protocol", "pkg/lock", "pkg/auth", "pkg/store"];
const upper = [...bottom, ...middle, "pkg/modules", "pkg/relay"];

const daemon = [...upper, "pkg/config", "pkg/session", "pkg/program", "pkg/health", "scripts/require-pinned-node.mjs"];

/** What each room may import besides itself and npm packages; an import of types counts. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  "pkg/errors": [],
  "pkg/golang": ["pkg/errors"],
  "pkg/metrics": [],
  "pkg/directory": ["pkg/errors"],
  "pkg/log": ["pkg/errors", "pkg/golang"],
  "pkg/host": bottom,
  "pkg/protocol": [...bottom, "pkg/auth", "package.json"],
  "pkg/lock": [...bottom, "pkg/store"],
  "pkg/auth": bottom,
  "pkg/store": [...bottom, "pkg/auth", "pkg/protocol"],
  "pkg/program": [...bottom, "pkg/auth", "pkg/protocol"],
  "pkg/health": [...bottom, "pkg/protocol"],
  "pkg/modules": [...bottom, "pkg/host"],
  "pkg/relay": ["pkg/errors", "pkg/log", "pkg/metrics", "pkg/protocol"],
  "pkg/config": upper,
  "pkg/session": [...upper, "pkg/config"],
  "cmds/dutctl": [...bottom, "pkg/protocol", "pkg/lock", "pkg/auth", "pkg/relay", "scripts/require-pinned-node.mjs"],
  "cmds/dutagent": daemon,
  "cmds/dutserver": daemon,
};

/** Tests in a room, and what is in its folder `test`, may lean on this too. */
const forTests = "test/support";

const root = join(import.meta.dirname, "..");
const manifest: { imports: Readonly<Record<string, string>> } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
);

test("every import in cmds and pkg points down the layers", () => {
  const files = globSync("{cmds,pkg}/**/*.{ts,mjs,js}", { cwd: root });
  const problems = files.flatMap((file) => problemsOf(file, readFileSync(join(root, file), "utf8")));
  assert.deepEqual(problems, []);
});

test("an import upwards is named with the rule that it breaks, also when it is of types, lazy, re-exported or relative", () => {
  const source = [
    'import type { Host } from "#pkg/host/host.ts";',
    'const { open } = await import("#pkg/modules/module.ts");',
    'export {\n  run,\n} from "../../pkg/session/run.ts";',
    'import "#pkg/store/store.ts";',
    'import { silentLog } from "#pkg/log/log.ts";',
    'import { readFile } from "node:fs/promises";',
    'import { main } from "../dutagent/main.ts";',
  ].join("\n");
  const rule =
    "cmds/dutctl may import pkg/errors, pkg/golang, pkg/log, pkg/metrics, pkg/directory, pkg/protocol, pkg/lock, pkg/auth, pkg/relay";
  assert.deepEqual(
    problemsOf("cmds/dutctl/list.ts", source).map((problem) => problem.replace(/, scripts.*$/, "")),
    [
      `cmds/dutctl/list.ts:1: import of #pkg/host/host.ts: ${rule}`,
      `cmds/dutctl/list.ts:2: import of #pkg/modules/module.ts: ${rule}`,
      `cmds/dutctl/list.ts:5: import of ../../pkg/session/run.ts: ${rule}`,
      `cmds/dutctl/list.ts:6: import of #pkg/store/store.ts: ${rule}`,
      `cmds/dutctl/list.ts:9: import of ../dutagent/main.ts: ${rule}`,
    ],
  );
});

test("only tests import from test/support, and a room without a rule is named", () => {
  const source = 'import { recordedCall } from "#test/support/recorded-call.ts";';
  assert.deepEqual(
    ["pkg/log/log.test.ts", "pkg/log/log.ts", "pkg/attic/log.ts"].flatMap((file) => problemsOf(file, source)),
    [
      "pkg/log/log.ts:1: import of #test/support/recorded-call.ts: pkg/log may import pkg/errors, pkg/golang",
      "pkg/attic/log.ts:1: pkg/attic has no rule: add it to the table in test/layers.test.ts",
    ],
  );
});

function problemsOf(file: string, source: string): readonly string[] {
  const room = roomOf(file);
  const allowed = mayImport[room];
  if (allowed === undefined) {
    return [`${file}:1: ${room} has no rule: add it to the table in test/layers.test.ts`];
  }
  const permitted = [room, ...allowed, ...(/\.test\.ts$|\/test\//.test(file) ? [forTests] : [])];
  return importsIn(source).flatMap(({ specifier, line }) => {
    const target = targetOf(file, specifier);
    return target === undefined || permitted.some((place) => target === place || target.startsWith(`${place}/`))
      ? []
      : [`${file}:${line}: import of ${specifier}: ${room} may import ${allowed.join(", ") || "npm packages only"}`];
  });
}

/** Static, lazy and re-exporting imports with the line that names the file. */
function importsIn(source: string): readonly { specifier: string; line: number }[] {
  const found = source.matchAll(/(?:\bfrom\s*|\bimport\s*\(\s*|^\s*import\s+)"([^"\n]+)"/gm);
  return Array.from(found, ({ 0: text, 1: specifier = "", index }) => ({
    specifier,
    line: source.slice(0, index + text.length).split("\n").length,
  }));
}

/** The file inside the repository that a specifier names; undefined for packages. */
function targetOf(file: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) {
    return join(dirname(file), specifier);
  }
  if (!specifier.startsWith("#")) {
    return undefined;
  }
  for (const [pattern, path] of Object.entries(manifest.imports)) {
    const prefix = pattern.replace("*", "");
    if (pattern.endsWith("*") ? specifier.startsWith(prefix) : specifier === pattern) {
      return join(path.replace("*", specifier.slice(prefix.length)));
    }
  }
  throw new Error(`${file} imports ${specifier}, which package.json does not map`);
}

/** `pkg/modules/serial/marker.ts` is in the room `pkg/modules`. */
function roomOf(file: string): string {
  return file.split("/").slice(0, 2).join("/");
}
