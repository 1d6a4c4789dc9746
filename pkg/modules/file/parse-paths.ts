import { posix } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import { parseFlags } from "#pkg/golang/flags.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { FileOptions } from "./options.ts";

/** A path, and who chose it: whoever wrote the configuration, or whoever runs the command. */
export interface ChosenPath {
  readonly by: "configuration" | "user";
  readonly path: string;
}

export interface Paths {
  readonly source: ChosenPath;
  readonly destination: ChosenPath;
}

/** What a run carries from where to where: the options, and for what they leave open one argument. Throws invalid_argument. */
export function parsePaths(args: readonly string[], options: FileOptions): Paths {
  const { source, destination } = options;
  const words = positionals(args);
  const configured = (path: string): ChosenPath => ({ by: "configuration", path });
  const chosen = (path: string): ChosenPath => ({ by: "user", path });
  if (source !== "" && destination !== "") {
    if (words.length > 0) {
      throw refused("no path expected when both source and destination are configured");
    }
    return { source: configured(source), destination: configured(destination) };
  }
  const word = onlyWord(words);
  if (word.includes(":")) {
    refuseColon(source, destination);
    return parsePair(word);
  }
  if (source !== "") {
    return {
      source: configured(source),
      destination: chosen(inside(notEmpty(word, "destination path cannot be empty"))),
    };
  }
  const from = chosen(notEmpty(word, "source path cannot be empty"));
  return {
    source: from,
    destination: destination === "" ? chosen(nameFor(word, options)) : configured(destination),
  };
}

/** There are no flags: a word that begins like one is refused, and one behind `--` is not. */
function positionals(args: readonly string[]): readonly string[] {
  try {
    return parseFlags(args, {}).positionals;
  } catch (error) {
    throw error instanceof DutError ? refused(`failed to parse arguments: ${error.message}`) : error;
  }
}

function onlyWord([word, ...more]: readonly string[]): string {
  if (word === undefined) {
    throw refused("missing argument: path required");
  }
  if (more.length > 0) {
    throw refused(`invalid argument count: expected 1 arg, got ${more.length + 1}`);
  }
  return word;
}

function refuseColon(source: string, destination: string): void {
  for (const [side, path] of [
    ["source", source],
    ["destination", destination],
  ]) {
    if (path !== "") {
      throw refused(`cannot use colon syntax when ${side} is configured: ${quote(path as string)}`);
    }
  }
}

function parsePair(word: string): Paths {
  const [source = "", destination = "", ...more] = word.split(":");
  if (more.length > 0) {
    throw refused("colon syntax requires exactly one colon");
  }
  return {
    source: { by: "user", path: inside(notEmpty(source, "src path cannot be empty in 'src:dest' syntax")) },
    destination: {
      by: "user",
      path: inside(notEmpty(destination, "destination path cannot be empty in 'src:dest' syntax")),
    },
  };
}

/** The name of the source; as an archive it has `.tar` behind it at the client's side. */
function nameFor(source: string, { operation, directory }: FileOptions): string {
  const name = posix.basename(posix.normalize(source));
  if (["", ".", ".."].includes(name)) {
    throw refused(`the source ${quote(source)} has no name for the destination`);
  }
  if (!directory) {
    return name;
  }
  return operation === "download" ? `${name}.tar` : name.replace(/\.tar$/, "");
}

/** A path from where it starts downwards, in its shortest form: as Go's filepath.Clean, without a slash at the end. */
function inside(path: string): string {
  const clean = posix.normalize(path).replace(/(?<=.)\/$/, "");
  if (posix.isAbsolute(clean)) {
    throw refused(`absolute paths are not allowed: ${quote(path)}`);
  }
  if (clean === ".." || clean.startsWith("../")) {
    throw refused(`paths with leading '..' are not allowed: ${quote(path)}`);
  }
  return clean;
}

function notEmpty(path: string, message: string): string {
  if (path === "") {
    throw refused(message);
  }
  return path;
}

function refused(message: string): DutError {
  return new DutError("invalid_argument", message);
}
