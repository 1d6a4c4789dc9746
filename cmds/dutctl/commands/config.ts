import { realpath } from "node:fs/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { nearest } from "#pkg/errors/nearest.ts";
import { quote } from "#pkg/golang/quote.ts";
import { configPath, readConfigFile, writeConfigFile } from "../config/config-file.ts";
import type { ConfigRequest } from "../config/config-request.ts";
import { removeContext, setValues, useContext } from "../config/edit-config.ts";
import { type Config, parseConfig } from "../config/parse-config.ts";
import { rememberedFiles } from "../config/remembered-files.ts";
import type { ContextRow } from "../output/content.ts";
import type { Output } from "../output/output.ts";
import type { World } from "../world.ts";

/** Shows or changes the configuration file. A file that is wrong is not changed. */
export async function config(request: ConfigRequest, out: Output, world: World): Promise<void> {
  const path = configPath(world.env);
  if (path === undefined) {
    throw new DutError("failed_precondition", "there is no place for a configuration: HOME is not set", {
      hint: "set HOME or XDG_CONFIG_HOME to a directory",
    });
  }
  const text = (await readConfigFile(path)) ?? "";
  const known = parseConfig(text, path);
  switch (request.verb) {
    case "list":
      return list(known, out, path);
    case "show":
      return out.write({ type: "context-list", data: [rowOf(nameOf(request.context, known, path), known)] });
    case "use":
      mustKnow(request.context, known, path);
      await write(path, useContext(text, request.context));
      return out.write({ type: "notice", data: `${quote(request.context)} is the current context` });
    case "set": {
      const name = request.context ?? known.current ?? "default";
      const values = await rememberedFiles(request.values, world.directory);
      await write(path, setValues(text, { name, values, makeCurrent: known.contexts.size === 0 }));
      await out.write({ type: "notice", data: `set in context ${quote(name)} of ${path}` });
      return tellAuthority(values, out);
    }
    case "remove":
      mustKnow(request.context, known, path);
      await write(path, removeContext(text, request.context));
      return out.write({
        type: "notice",
        data: `removed ${request.context === known.current ? "the current context, " : "context "}${quote(request.context)}`,
      });
  }
}

/** Only a comparison shows that the file is the one that was meant. */
async function tellAuthority(values: readonly (readonly [key: string, value: string])[], out: Output): Promise<void> {
  const authority = values.findLast(([key]) => key === "authority")?.[1] ?? "";
  if (authority !== "") {
    await out.write({
      type: "notice",
      data: `the authority's SHA-256 fingerprint is ${authority}: compare it with the one that the lab tells`,
    });
  }
}

async function list(known: Config, out: Output, path: string): Promise<void> {
  const data = [...known.contexts.keys()].map((name) => rowOf(name, known));
  await out.write({ type: "context-list", data, metadata: { file: path } });
  if (data.length === 0) {
    const advice = "dutctl config set NAME server=ADDRESS makes one";
    await out.write({ type: "notice", data: `no contexts in ${path}; ${advice}` });
  }
}

function rowOf(name: string, { current, contexts }: Config): ContextRow {
  const settings = Object.entries(contexts.get(name) ?? {}).map(([key, setting]) => [key, setting.value]);
  return { name, current: name === current, settings: Object.fromEntries(settings) };
}

function nameOf(named: string | undefined, known: Config, path: string): string {
  const name = named ?? known.current;
  if (name === undefined) {
    throw new DutError("failed_precondition", `no context is the current one in ${path}`, {
      hint: "dutctl config use NAME, or dutctl config set NAME server=ADDRESS",
    });
  }
  mustKnow(name, known, path);
  return name;
}

function mustKnow(name: string, { contexts }: Config, path: string): void {
  if (!contexts.has(name)) {
    const meant = nearest(name, contexts.keys());
    throw new DutError("invalid_argument", `no context ${quote(name)} in ${path}`, {
      hint: meant === undefined ? "dutctl config list shows the contexts" : `did you mean ${quote(meant)}?`,
    });
  }
}

/** A file that is a link elsewhere stays one. A text that would not be read again is not written. */
async function write(path: string, text: string): Promise<void> {
  parseConfig(text, path);
  await writeConfigFile(await target(path), text);
}

async function target(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return path;
    }
    throw error;
  }
}
