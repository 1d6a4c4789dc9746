/**
 * Runs a program of this package on the Node release that the package pins, whatever Node the machine has:
 * `node scripts/launch.mjs [--debian=name,…] <file> [args…]`. What is missing in node_modules is installed first, and
 * on Debian the libraries of that Node; with `--debian` also the packages that are named, by themselves or as a set. Plain JavaScript, because Node 20 has to read it.
 */
import { stat } from "node:fs/promises";
import { forNode, installDebianPackages, packageSets } from "./debian-packages.mjs";
import { installNodeModules } from "./node-modules.mjs";
import { oldestSystemNode, pinnedNode } from "./pinned-node.mjs";
import { runProgram } from "./run-program.mjs";

const [, , ...given] = process.argv;
const debian = /^--debian=(.+)$/.exec(given[0] ?? "");
const [file, ...args] = debian ? given.slice(1) : given;

try {
  if (Number.parseInt(process.versions.node, 10) < oldestSystemNode) {
    throw new Error(
      `Node ${process.versions.node} is too old to start from: install Node ${oldestSystemNode} or newer and npm`,
    );
  }
  if (file === undefined) {
    throw new Error("nothing to run: node scripts/launch.mjs [--debian=name,…] <file> [args…]");
  }
  await installNodeModules();
  const wanted = (debian?.[1]?.split(",") ?? []).flatMap((name) => packageSets[name] ?? [name]);
  await installDebianPackages([...forNode, ...wanted], args.includes("--check"));
  await stat(file).catch(() => {
    throw new Error(`there is no ${file} to run`);
  });
  await runProgram(pinnedNode(), [file, ...args]);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
