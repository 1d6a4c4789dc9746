import type { ModuleKind } from "#pkg/modules/module.ts";
import type { AgentConfig, CommandConfig, DeviceConfig } from "./config.ts";
import { ConfigError, Problems } from "./config-error.ts";
import { parseArguments, parseUses } from "./parse-uses.ts";
import { complain, complainAboutKey, entriesOf, fieldsOf, optionalTextOf, type Place, textOf } from "./place.ts";
import { parseYaml } from "./yaml/parse-yaml.ts";
import { isNothing, type YamlNode } from "./yaml/yaml-node.ts";

/** Bytes; far above any configuration written by hand, and little enough to be read at once. */
export const longestConfig = 1024 * 1024;

/** What is thrown for a longer one. */
export function tooLong(file: string): ConfigError {
  const sentence = `a configuration of more than ${longestConfig} bytes is not read`;
  return new ConfigError(file, [{ line: 1, column: 1, path: "", sentence }]);
}

/** Words of dutctl's own in the place of a device, and of a command. */
const reservedDevices: ReadonlySet<string> = new Set(["list", "version"]);
const reservedCommands: ReadonlySet<string> = new Set(["lock", "unlock", "help"]);

/**
 * A configuration from its YAML text. `file` is only named in messages. Opens nothing.
 * Throws a ConfigError with every problem of the text.
 */
export function parseConfig(file: string, text: string, kinds: readonly ModuleKind[]): AgentConfig {
  if (Buffer.byteLength(text) > longestConfig) {
    throw tooLong(file);
  }
  const problems = new Problems();
  const root = parseYaml(text, problems);
  const config = root === undefined ? { devices: new Map() } : parseAgent(root, problems, kinds);
  problems.throwIfAny(file);
  return config;
}

/** Top-level names starting with `x-` are free: a home for anchors. */
function parseAgent(node: YamlNode, problems: Problems, kinds: readonly ModuleKind[]): AgentConfig {
  const root: Place = { node, keyAt: node.at, path: [], problems };
  const { version, devices } = fieldsOf(root, ["version", "devices"], (key) => key.startsWith("x-"));
  if (version !== undefined && !isNothing(version.node)) {
    textOf(version);
  }
  if (devices === undefined) {
    if (node.kind === "map" || isNothing(node)) {
      complain(root, "devices is missing; add devices: with the boards of this agent");
    }
    return { devices: new Map() };
  }
  const places = entriesOf(devices, "a mapping of names to devices");
  if (places.size === 0 && (devices.node.kind === "map" || isNothing(devices.node))) {
    complainAboutKey(devices, "devices must not be empty");
  }
  return { devices: new Map(Array.from(places, ([name, place]) => [name, parseDevice(name, place, kinds)])) };
}

function parseDevice(name: string, place: Place, kinds: readonly ModuleKind[]): DeviceConfig {
  checkName(name, place, reservedDevices);
  const { desc, cmds } = fieldsOf(place, ["desc", "cmds"]);
  const places = cmds === undefined ? new Map() : entriesOf(cmds, "a mapping of names to commands");
  const isEmpty = cmds === undefined || cmds.node.kind === "map" || isNothing(cmds.node);
  if (places.size === 0 && isEmpty && (place.node.kind === "map" || isNothing(place.node))) {
    complainAboutKey(cmds ?? place, "device must have at least one command, under cmds:");
  }
  return {
    name,
    description: optionalTextOf(desc),
    commands: new Map(Array.from(places, ([command, at]) => [command, parseCommand(command, at, kinds)])),
  };
}

function parseCommand(name: string, place: Place, kinds: readonly ModuleKind[]): CommandConfig {
  checkName(name, place, reservedCommands);
  const { desc, args, uses } = fieldsOf(place, ["desc", "args", "uses"]);
  const declared = parseArguments(args);
  return {
    name,
    description: optionalTextOf(desc),
    arguments: declared,
    uses: parseUses({ command: place, uses, args, declared }, kinds),
  };
}

function checkName(name: string, place: Place, reserved: ReadonlySet<string>): void {
  if (reserved.has(name)) {
    complainAboutKey(place, "name is reserved: dutctl has a meaning of its own for it");
  } else if (name === "") {
    complainAboutKey(place, "name must not be empty");
  } else if (/\p{Cc}/u.test(name)) {
    complainAboutKey(place, "name must not contain control characters");
  }
}
