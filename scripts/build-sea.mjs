/**
 * `npm run build [-- --target linux-arm64] [program…]`: makes executables that need no Node, in `dist/` for this
 * machine's platform and in `dist/<target>/` for another one.
 */
import { mkdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { baseNode } from "./base-node.mjs";
import { buildExecutable } from "./build-executable.mjs";
import { root } from "./pinned-node.mjs";

const targets = ["linux-x64", "linux-arm64"];
const programs = ["dutctl", "dutagent", "dutserver"];

/** GitHub releases, small flash cards and people's patience: none takes more with pleasure. */
const largestMegabytes = 120;

try {
  const own = `${process.platform}-${process.arch}`;
  const { target, chosen } = parseCommandLine(process.argv.slice(2), own);
  const base = await baseNode(target);
  const dist = join(root, "dist", ...(target === own ? [] : [target]));
  await mkdir(dist, { recursive: true });
  for (const program of chosen) {
    const executable = join(dist, program);
    await buildExecutable({ program, base, executable, codeCache: target === own });
    const { size } = await stat(executable);
    process.stdout.write(`${relative(root, executable)} ${(size / 1e6).toFixed(1)} MB\n`);
    if (size > largestMegabytes * 1e6 && base.endsWith("stripped")) {
      throw new Error(`${program} is larger than ${largestMegabytes} MB: look at what the bundle has taken in`);
    }
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

/** @param {string[]} args @param {string} own */
function parseCommandLine(args, own) {
  const { values, positionals } = parseArgs({
    args,
    options: { target: { type: "string", default: own } },
    allowPositionals: true,
  });
  if (!targets.includes(values.target)) {
    throw new Error(`no executables for ${values.target}: --target is one of ${targets.join(", ")}`);
  }
  const unknown = positionals.find((program) => !programs.includes(program));
  if (unknown !== undefined) {
    throw new Error(`there is no program ${unknown}: build ${programs.join(", ")}, or all without a name`);
  }
  return { target: values.target, chosen: positionals.length > 0 ? positionals : programs };
}
