import { posix, relative, resolve } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { ChosenPath } from "./parse-paths.ts";

/** A place on the agent: a directory that may be reached by links, and a path below it that may not. */
export interface Place {
  readonly base: string;
  readonly path: string;
}

/**
 * Where on the agent a path is. With a root everything is below it. Without one, the directory of a configured path is
 * the configuration's choice; what a user says starts at the working directory, or where it is absolute at the top.
 */
export function locate({ by, path }: ChosenPath, root: string | undefined): Place {
  if (root !== undefined) {
    return { base: root, path: posix.isAbsolute(path) && by === "configuration" ? relative(root, path) : below(path) };
  }
  if (by === "configuration") {
    const whole = resolve(path);
    return { base: posix.dirname(whole), path: posix.basename(whole) };
  }
  const clean = posix.normalize(path);
  return posix.isAbsolute(clean) ? { base: "/", path: clean.slice(1) } : { base: ".", path: below(path) };
}

/** Shortened by words alone. Throws invalid_argument for what does not start there, or leads upwards. */
function below(path: string): string {
  const clean = posix.normalize(path);
  if (posix.isAbsolute(clean)) {
    throw new DutError("invalid_argument", `absolute paths are not allowed: ${quote(path)}`, {
      hint: "give a path that starts at the root of this command",
    });
  }
  if (clean === ".." || clean.startsWith("../")) {
    throw new DutError("invalid_argument", `paths with leading '..' are not allowed: ${quote(path)}`);
  }
  return clean;
}
