import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { nodeBinary, nodePackage, root } from "./pinned-node.mjs";
import { pathWithout } from "./run-program.mjs";

/** @typedef {Record<string, { version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }>} Packages */

/** Holds the number of the process that installs. It cannot be in node_modules, which npm empties. */
const lockFile = join(root, ".installing");

/**
 * Makes node_modules what package-lock.json says. Costs a few milliseconds when it is already. Several launches at
 * once install once. Throws with a sentence when npm failed.
 */
export async function installNodeModules() {
  const wanted = nodePackage();
  if (isInstalled(wanted)) {
    return;
  }
  await enterLock();
  try {
    if (!isInstalled(wanted)) {
      npmCi();
    }
  } finally {
    rmSync(lockFile, { force: true });
  }
}

/** Compares npm's own record of what it installed with the lock file. @param {{ name: string }} node */
function isInstalled(node) {
  const record = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(record) || !existsSync(nodeBinary(node))) {
    return false;
  }
  const installed = packagesIn(record);
  const locked = packagesIn(join(root, "package-lock.json"));
  return (
    Object.keys(installed).every((path) => path in locked) &&
    Object.entries(locked).every(([path, { integrity, optional, devOptional }]) => {
      const present = installed[path];
      return path === "" || (present === undefined ? optional || devOptional : present.integrity === integrity);
    })
  );
}

/** @param {string} file @returns {Packages} */
function packagesIn(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages;
}

function npmCi() {
  process.stderr.write("installing node_modules (npm ci)\n");
  const own = join(root, "node_modules", ".bin");
  const { error, status, signal } = spawnSync("npm", ["ci", "--no-progress", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, PATH: pathWithout(own).join(delimiter) },
  });
  if (error !== undefined) {
    throw new Error(`cannot run npm (${error.message}): install npm, then try again`);
  }
  if (status !== 0) {
    throw new Error(`npm ci ended with ${signal ?? `status ${status}`}: nothing was started`);
  }
}

async function enterLock() {
  for (let told = false; !takeLock(); ) {
    const holder = lockHolder();
    if (holder !== undefined && !isAlive(holder)) {
      rmSync(lockFile, { force: true });
    } else {
      if (!told && holder !== undefined) {
        process.stderr.write(`waiting for process ${holder}, which installs node_modules (${lockFile})\n`);
        told = true;
      }
      await delay(100);
    }
  }
}

function takeLock() {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") {
      return false;
    }
    throw error;
  }
}

/** The process that installs; undefined when it has just ended or has not written its number yet. */
function lockHolder() {
  try {
    return Number(readFileSync(lockFile, "utf8")) || undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
