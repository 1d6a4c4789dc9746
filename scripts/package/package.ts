/** `npm run package [-- --target linux-arm64]`: makes Debian packages in `dist/`, for amd64 and arm64 or for one of them. */
import { mkdir, mkdtempDisposable, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { baseNode } from "../base-node.mjs";
import { buildExecutable } from "../build-executable.mjs";
import { architectures, makeDebianPackage, type PackageName } from "./debian-package.ts";

const root = join(import.meta.dirname, "../..");
const dist = join(root, "dist");
const names: readonly PackageName[] = ["dutctl", "dutagent", "dutserver"];

type Target = keyof typeof architectures;

try {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  await mkdir(dist, { recursive: true });
  for (const target of parseTargets(process.argv.slice(2))) {
    await using folder = await mkdtempDisposable(join(tmpdir(), "executables-"));
    const base = await baseNode(target);
    for (const name of names) {
      const executable = join(folder.path, name);
      await buildExecutable({
        program: name,
        base,
        executable,
        codeCache: target === `${process.platform}-${process.arch}`,
      });
      const architecture = architectures[target];
      const path = await makeDebianPackage({ name, architecture, version, executable, into: dist });
      const { size } = await stat(path);
      process.stdout.write(`${relative(root, path)} ${(size / 1e6).toFixed(1)} MB\n`);
    }
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

function parseTargets(args: string[]): readonly Target[] {
  const known = Object.keys(architectures) as Target[];
  const { target } = parseArgs({ args, options: { target: { type: "string" } } }).values;
  const chosen = known.filter((name) => target === undefined || name === target);
  if (chosen.length === 0) {
    throw new Error(`no packages for ${target}: --target is one of ${known.join(", ")}`);
  }
  return chosen;
}
