import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { copyFile, mkdir, mkdtempDisposable, rename } from "node:fs/promises";
import { join } from "node:path";
import { nodeBinary, nodePackage, root } from "./pinned-node.mjs";

const cache = join(root, "node_modules", ".cache", "executables");

/**
 * The path of a Node for `platform` without its symbols, to make executables from; with its symbols, and a line that
 * says so, where no tool can strip it. The work is done once per release.
 *
 * @param {string} platform
 */
export async function baseNode(platform) {
  const wanted = nodePackage(platform);
  const base = strippedNode(platform);
  if (existsSync(base)) {
    return base;
  }
  await mkdir(cache, { recursive: true });
  await using folder = await mkdtempDisposable(join(cache, "making-"));
  const node = existsSync(nodeBinary(wanted)) ? nodeBinary(wanted) : fetchNode(wanted, folder.path);
  const copy = join(folder.path, "stripped");
  await copyFile(node, copy);
  if (strip(copy, platform)) {
    await rename(copy, base);
    return base;
  }
  const tools = platform === `${process.platform}-${process.arch}` ? "binutils" : "llvm";
  process.stderr.write(`cannot strip Node for ${platform}, executables are larger: apt-get install ${tools}\n`);
  const unstripped = base.replace(/stripped$/, "whole");
  await rename(copy, unstripped);
  return unstripped;
}

/** Where the result is kept; there after the first build for the platform. @param {string} platform */
export function strippedNode(platform) {
  const { name, version } = nodePackage(platform);
  return join(cache, `${name}-${version}-stripped`);
}

/**
 * Gets the Node of another platform from the registry, held to the hash in the lock file.
 *
 * @param {{ name: string, version: string }} wanted
 * @param {string} folder
 */
function fetchNode({ name, version }, folder) {
  process.stderr.write(`fetching ${name} ${version}\n`);
  /** @type {import("node:child_process").ExecFileSyncOptions} */
  const options = { cwd: folder, stdio: ["ignore", "ignore", "inherit"] };
  execFileSync("npm", ["pack", `${name}@${version}`, "--loglevel=error"], options);
  const archive = join(folder, `${name}-${version}.tgz`);
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const expected = packages[`node_modules/${name}`].integrity;
  const actual = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
  if (actual !== expected) {
    throw new Error(`${name} ${version} from the registry is not what package-lock.json names: ${actual}`);
  }
  execFileSync("tar", ["-xzf", archive, "package/bin/node"], options);
  return join(folder, "package/bin/node");
}

/** True when a tool did it. GNU strip knows its own platform only. @param {string} file @param {string} platform */
function strip(file, platform) {
  const own = platform === `${process.platform}-${process.arch}`;
  const tools = own ? ["strip", "llvm-strip"] : ["aarch64-linux-gnu-strip", "llvm-strip"];
  return tools.some((tool) => spawnSync(tool, [file], { stdio: "ignore" }).status === 0);
}
