import {
  chmodSync,
  closeSync,
  copyFileSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import { diskFull } from "./fault.ts";

const othersMayWrite = 0o002;

/** Makes a directory that only its owner can enter, unless it is there. Throws what the user can mend. */
export function makeDirectory(directory: string): void {
  const what = `cannot use ${directory} as state directory`;
  try {
    makeMissing(directory, what);
    if ((statSync(directory).mode & othersMayWrite) !== 0) {
      throw new DutError("permission_denied", `state directory ${directory} can be written by every user`, {
        hint: `chmod 700 ${directory}`,
      });
    }
  } catch (error) {
    throw systemFault(error, what);
  }
}

/** One by one: where none can be made, as in /proc, Node looks for the first that is missing for ever. */
function makeMissing(path: string, what: string): void {
  const isThere = () => statSync(path, { throwIfNoEntry: false });
  const found = isThere();
  const parent = dirname(path);
  if (found === undefined && parent !== path) {
    makeMissing(parent, what);
  }
  try {
    if (found?.isDirectory() !== true) {
      mkdirSync(path, { mode: 0o700 });
    }
  } catch (error) {
    if (codeOf(error) === "ENOENT") {
      throw new DutError("invalid_argument", `${what}: no directory can be made in ${parent}`, { cause: error });
    }
    if (isThere()?.isDirectory() !== true) {
      throw error;
    }
  }
}

/**
 * Puts a complete file at a path where there is none, in one step: a reader finds nothing or all of it, also when the
 * power fails. Two who do this at once get one file. `make` is given the name to write to.
 */
export function createWhole(path: string, make: (draft: string) => void): void {
  const draft = `${path}.new-${process.pid}`;
  try {
    rmSync(draft, { force: true });
    closeSync(openSync(draft, "wx", 0o600));
    make(draft);
    try {
      linkSync(draft, path);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") {
        throw error;
      }
    }
    syncDirectory(dirname(path));
  } catch (error) {
    throw systemFault(error, `cannot make ${path}`);
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Puts an equal file in the place of one that SQLite has open, in one step. SQLite notices that its file is another one
 * now, and leaves it as it is when it is closed; otherwise it would write its log into it.
 */
export function replaceByCopy(path: string): void {
  const draft = `${path}.new-${process.pid}`;
  try {
    copyFileSync(path, draft);
    const copy = openSync(draft, "r+");
    fsyncSync(copy);
    closeSync(copy);
    renameSync(draft, path);
    syncDirectory(dirname(path));
  } catch (error) {
    rmSync(draft, { force: true });
    throw systemFault(error, `cannot keep ${path} as it is, which is damaged`);
  }
}

/** Has the names in a directory outlast the power. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  fsyncSync(directory);
  closeSync(directory);
}

/** Whether a file is there; if so, it is made its owner's alone. */
export function ownFile(path: string): boolean {
  try {
    chmodSync(path, 0o600);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") {
      return false;
    }
    throw systemFault(error, `cannot use ${path}`);
  }
}

/** The file that tells others which process has a directory. It only informs: what excludes others is SQLite's lock. */
function pidFile(directory: string): string {
  return join(directory, "pid");
}

/** A full disk does not keep a program from starting. */
export function leavePid(directory: string): Disposable {
  try {
    writeFileSync(pidFile(directory), `${process.pid}\n`, { mode: 0o600 });
  } catch (error) {
    if (!["ENOSPC", "EDQUOT"].includes(codeOf(error) ?? "")) {
      throw systemFault(error, `cannot use ${directory} as state directory`);
    }
  }
  return { [Symbol.dispose]: () => rmSync(pidFile(directory), { force: true }) };
}

/** The refusal of a directory that another process has. */
export function inUse(directory: string, cause: unknown): DutError {
  const holder = readPid(directory);
  return new DutError(
    "already_exists",
    `state directory ${directory} is in use by ${holder === undefined ? "another process" : `process ${holder}`}`,
    { hint: "stop that one, or give this one a state directory of its own", cause },
  );
}

function readPid(directory: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile(directory), "utf8"));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch (error) {
    if (codeOf(error) === "ENOENT") {
      return undefined;
    }
    throw systemFault(error, `cannot read ${pidFile(directory)}`);
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

/** What an error of the operating system means; any other is what it is. */
function systemFault(error: unknown, what: string): unknown {
  switch (codeOf(error)) {
    case "EACCES":
    case "EPERM":
      return new DutError("permission_denied", `${what}: permission denied`, { cause: error });
    case "EROFS":
      return new DutError("permission_denied", `${what}: its file system is read-only`, { cause: error });
    case "ENOTDIR":
    case "EEXIST":
      return new DutError("invalid_argument", `${what}: there is a file in its way`, { cause: error });
    case "ENOSPC":
    case "EDQUOT":
      return diskFull(what, error);
    default:
      return error;
  }
}
