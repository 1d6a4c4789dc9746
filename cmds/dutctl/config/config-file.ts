import { constants } from "node:fs";
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeDirectory } from "#pkg/directory/make-directory.ts";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";

/** Where the configuration is: under $XDG_CONFIG_HOME when that is absolute, else under ~/.config; undefined without a home. */
export function configPath(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const base = env.XDG_CONFIG_HOME ?? "";
  if (base.startsWith("/")) {
    return join(base, "dutctl", "config.yaml");
  }
  const home = env.HOME ?? "";
  return home === "" ? undefined : join(home, ".config", "dutctl", "config.yaml");
}

/** The text of the file, undefined when there is none. Throws what else hinders the reading. */
export async function readConfigFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") {
      return undefined;
    }
    throw new DutError("invalid_argument", `cannot read the configuration ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: "make it readable, or point XDG_CONFIG_HOME elsewhere",
    });
  }
}

/** Replaces the file by one that only its owner can read, whole or not at all. */
export async function writeConfigFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await makeDirectory(dirname(path), 0o700);
    try {
      await using file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
      await file.writeFile(text);
      await file.sync();
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await rename(temporary, path);
  } catch (error) {
    throw new DutError("unknown", `cannot write the configuration ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: "make its directory writable, or point XDG_CONFIG_HOME elsewhere",
    });
  }
}
