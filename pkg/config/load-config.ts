import { open } from "node:fs/promises";
import { fromErrno } from "#pkg/host/errno.ts";
import type { ModuleKind } from "#pkg/modules/module.ts";
import type { AgentConfig } from "./config.ts";
import { ConfigError } from "./config-error.ts";
import { longestConfig, parseConfig, tooLong } from "./parse-config.ts";
import type { SecretSource } from "./secrets/secret-source.ts";

/**
 * Reads and parses a configuration file, with the secrets that it names. Throws one sentence when it cannot be read, a
 * ConfigError when it cannot be used.
 */
export async function loadConfig(
  path: string,
  kinds: readonly ModuleKind[],
  secrets: SecretSource,
): Promise<AgentConfig> {
  const { bytes, mode } = await readBytes(path).catch((error: unknown) => {
    throw fromErrno(error, `cannot read ${path}`, { hint: "name the configuration file with -c" });
  });
  if (bytes.length > longestConfig) {
    throw tooLong(path);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ConfigError(path, [{ line: 1, column: 1, path: "", sentence: "the file is not UTF-8 text" }]);
  }
  return parseConfig(path, text, kinds, { secrets, readableByOthers: (mode & 0o077) !== 0 });
}

/** Reads no more than it takes to see that a file is too long, so that a device or a pipe without end does no harm. */
async function readBytes(path: string): Promise<{ readonly bytes: Uint8Array; readonly mode: number }> {
  await using file = await open(path);
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of file.createReadStream({ end: longestConfig, autoClose: false })) {
    pieces.push(piece as Uint8Array);
    length += (piece as Uint8Array).length;
  }
  const { mode } = await file.stat();
  return { bytes: Buffer.concat(pieces, length), mode };
}
