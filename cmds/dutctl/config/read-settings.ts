import { DutError } from "#pkg/errors/dut-error.ts";
import { nearest } from "#pkg/errors/nearest.ts";
import { quote } from "#pkg/golang/quote.ts";
import { type Settings, settingsOfEnvironment } from "../settings.ts";
import type { World } from "../world.ts";
import { configPath, readConfigFile } from "./config-file.ts";

/**
 * What the environment and the configuration file set. The environment goes before the context that the file calls the
 * current one, and behind one that a flag names. Throws what is wrong with the file, and not_found for an unknown context.
 */
export async function readSettings(flag: string | undefined, world: Pick<World, "env">): Promise<Settings> {
  const environment = settingsOfEnvironment(world.env);
  const path = configPath(world.env);
  const text = path === undefined ? undefined : await readConfigFile(path);
  const wanted = flag ?? (world.env.DUTCTL_CONTEXT || undefined);
  if (path === undefined || text === undefined) {
    if (wanted !== undefined) {
      throw unknownContext(wanted, flag, [], path);
    }
    return environment;
  }
  const { parseConfig } = await import("./parse-config.ts");
  const { current, contexts } = parseConfig(text, path);
  const name = wanted ?? current;
  if (name === undefined) {
    return environment;
  }
  const context = contexts.get(name);
  if (context === undefined) {
    throw unknownContext(name, flag, [...contexts.keys()], path);
  }
  return flag === undefined ? { ...context, ...environment } : { ...environment, ...context };
}

function unknownContext(
  name: string,
  flag: string | undefined,
  known: readonly string[],
  path: string | undefined,
): DutError {
  const meant = nearest(name, known);
  const source = flag === undefined ? "DUTCTL_CONTEXT" : "flag -context";
  const hint =
    meant === undefined ? `dutctl config set ${name} server=ADDRESS makes one` : `did you mean ${quote(meant)}?`;
  return new DutError("not_found", `${source}: no context ${quote(name)} in ${path ?? "any file: HOME is not set"}`, {
    hint,
  });
}
