import { DutError } from "#pkg/errors/dut-error.ts";
import { configPath, readConfigFile } from "../config/config-file.ts";
import { flags, formats } from "../options.ts";
import type { World } from "../world.ts";
import type { Answer, Candidate } from "./answer.ts";

/** Every option with what it means. */
export function optionNames(): Candidate[] {
  return Object.entries(flags).map(([name, { summary }]) => ({ value: `-${name}`, description: summary }));
}

/** What the value of an option may be. */
export async function answerValue(flag: keyof typeof flags, env: World["env"]): Promise<Answer> {
  switch (flag) {
    case "f":
      return words(formats);
    case "log":
      return words(["debug", "warn", "none"]);
    case "protocol":
      return words(["v1", "lab"]);
    case "wait":
    case "timeout":
    case "grace":
      return words(["30s", "5m", "30m", "1h"]);
    case "context":
      return { kind: "words", candidates: await contexts(env) };
    case "tls-ca":
    case "tls-cert":
    case "tls-key":
    case "local":
    case "allow-read":
      return { kind: "files", candidates: [] };
    default:
      return words([]);
  }
}

function words(values: readonly string[]): Answer {
  return { kind: "words", candidates: values.map((value) => ({ value })) };
}

/** The contexts of the configuration file; none of one that is wrong. */
export async function contexts(env: World["env"]): Promise<Candidate[]> {
  const path = configPath(env);
  if (path === undefined) {
    return [];
  }
  try {
    const text = await readConfigFile(path);
    if (text === undefined) {
      return [];
    }
    const { parseConfig } = await import("../config/parse-config.ts");
    const { contexts: known } = parseConfig(text, path);
    return [...known].map(([value, { server }]) => ({ value, description: server?.value ?? "" }));
  } catch (error) {
    if (error instanceof DutError) {
      return [];
    }
    throw error;
  }
}
