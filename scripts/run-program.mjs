import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { delimiter, join } from "node:path";
import { root } from "./pinned-node.mjs";

/** @type {readonly NodeJS.Signals[]} */
const sentByTerminals = ["SIGINT", "SIGQUIT", "SIGHUP"];

/**
 * Runs a program in the place of this one: same terminal, `node_modules/.bin` first on PATH, and this process ends as
 * the program ended. Signals are passed on, except those that a terminal has already sent to the program.
 * Throws when the program cannot be started.
 *
 * @param {string} program
 * @param {readonly string[]} args
 */
export async function runProgram(program, args) {
  const child = spawn(program, args, { stdio: "inherit", env: { ...process.env, PATH: projectPath() } });
  const terminal = hasTerminal();
  for (const signal of /** @type {const} */ (["SIGINT", "SIGQUIT", "SIGHUP", "SIGTERM"])) {
    process.on(signal, () => {
      if (!terminal || !sentByTerminals.includes(signal)) {
        child.kill(signal);
      }
    });
  }
  const [code, signal] = await /** @type {Promise<[number | null, NodeJS.Signals | null]>} */ (
    new Promise((resolve, reject) => {
      child.once("error", (error) => reject(new Error(`cannot run ${program}: ${error.message}`)));
      child.once("exit", (...ended) => resolve(ended));
    })
  );
  if (signal === null) {
    process.exitCode = code ?? 1;
    return;
  }
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** PATH with the package's own programs first. */
export function projectPath() {
  const own = join(root, "node_modules", ".bin");
  return [own, ...pathWithout(own)].join(delimiter);
}

/** The entries of PATH that are not `folder`. @param {string} folder */
export function pathWithout(folder) {
  return (process.env.PATH ?? "").split(delimiter).filter((entry) => entry !== folder);
}

function hasTerminal() {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
