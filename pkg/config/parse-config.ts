import type { ModuleKind } from "#pkg/modules/module.ts";
import { problemOfName } from "#pkg/protocol/names.ts";
import { checkAlike } from "./alike-names.ts";
import { Claims } from "./claims.ts";
import type { AgentConfig, CommandConfig, DeviceConfig } from "./config.ts";
import { ConfigError, Problems } from "./config-error.ts";
import { fingerprint } from "./fingerprint.ts";
import { parseRetries, parseRetryAfter, parseTimeout } from "./parse-course.ts";
import { parseLabels } from "./parse-labels.ts";
import { parseArguments, parseUses } from "./parse-uses.ts";
import type { Parsing } from "./parsing.ts";
import {
  complain,
  complainAboutKey,
  entriesOf,
  fieldsOf,
  optionalTextOf,
  type Place,
  textOf,
  warnAboutKey,
} from "./place.ts";
import { dutctlWords, reservedCommands, reservedDevices } from "./reserved-names.ts";
import { ProcessSecrets } from "./secrets/secret-source.ts";
import { parseYaml } from "./yaml/parse-yaml.ts";
import { isNothing, type YamlNode } from "./yaml/yaml-node.ts";

/** Bytes; far above any configuration written by hand, and little enough to be read at once. */
export const longestConfig = 1024 * 1024;

/** What is thrown for a longer one. */
export function tooLong(file: string): ConfigError {
  const sentence = `a configuration of more than ${longestConfig} bytes is not read`;
  return new ConfigError(file, [{ line: 1, column: 1, path: "", sentence }]);
}

/**
 * A configuration from its YAML text. `file` is only named in messages. Opens nothing. Secrets are looked for as files
 * below the working directory, and nowhere in the environment, unless `given` says otherwise.
 * Throws a ConfigError with every problem of the text.
 */
export function parseConfig(
  file: string,
  text: string,
  kinds: readonly ModuleKind[],
  given: Partial<Omit<Parsing, "kinds" | "found" | "claims">> = {},
): AgentConfig {
  if (Buffer.byteLength(text) > longestConfig) {
    throw tooLong(file);
  }
  const problems = new Problems();
  const root = parseYaml(text, problems);
  const parsing = {
    kinds,
    secrets: new ProcessSecrets({}, "."),
    readableByOthers: false,
    found: new Set<string>(),
    claims: new Claims(),
    ...given,
  };
  const devices = root === undefined ? new Map() : parseAgent(root, problems, parsing);
  problems.throwIfAny(file);
  return { devices, secrets: parsing.found, warnings: problems.warnings };
}

/** Top-level names starting with `x-` are free: a home for anchors. */
function parseAgent(node: YamlNode, problems: Problems, parsing: Parsing): AgentConfig["devices"] {
  const root: Place = { node, keyAt: node.at, path: [], problems };
  const { version, devices } = fieldsOf(root, ["version", "devices"], (key) => key.startsWith("x-"));
  if (version !== undefined && !isNothing(version.node)) {
    textOf(version);
  }
  if (devices === undefined) {
    if (node.kind === "map" || isNothing(node)) {
      complain(root, "devices is missing; add devices: with the boards of this agent");
    }
    return new Map();
  }
  const places = entriesOf(devices, "a mapping of names to devices");
  if (places.size === 0 && (devices.node.kind === "map" || isNothing(devices.node))) {
    complainAboutKey(devices, "devices must not be empty");
  }
  checkAlike(places);
  return new Map(Array.from(places, ([name, place]) => [name, parseDevice(name, place, parsing)]));
}

function parseDevice(name: string, place: Place, parsing: Parsing): DeviceConfig {
  checkName(name, place, reservedDevices);
  if (dutctlWords.has(name)) {
    warnAboutKey(place, `${name} is a word of dutctl: this device is reached by dutctl -- ${name} only`);
  } else if (name.startsWith("-")) {
    warnAboutKey(place, `dutctl takes ${name} for an option: this device is reached by dutctl -- ${name} only`);
  }
  const { desc, labels, cmds } = fieldsOf(place, ["desc", "labels", "cmds"]);
  const places = cmds === undefined ? new Map() : entriesOf(cmds, "a mapping of names to commands");
  const isEmpty = cmds === undefined || cmds.node.kind === "map" || isNothing(cmds.node);
  if (places.size === 0 && isEmpty && (place.node.kind === "map" || isNothing(place.node))) {
    complainAboutKey(cmds ?? place, "device must have at least one command, under cmds:");
  }
  return {
    name,
    description: optionalTextOf(desc),
    labels: parseLabels(labels),
    fingerprint: fingerprint((cmds ?? place).node, parsing.secrets),
    commands: new Map(Array.from(places, ([command, at]) => [command, parseCommand(command, at, parsing)])),
  };
}

function parseCommand(name: string, place: Place, parsing: Parsing): CommandConfig {
  checkName(name, place, reservedCommands);
  const known = ["desc", "args", "uses", "timeout", "retries", "retry-after"] as const;
  const { desc, args, uses, timeout, retries: again, "retry-after": after } = fieldsOf(place, known);
  const retries = parseRetries(again);
  const declared = parseArguments(args);
  return {
    name,
    description: optionalTextOf(desc),
    arguments: declared,
    uses: parseUses({ command: place, uses, args, declared }, parsing),
    timeoutMs: parseTimeout(timeout),
    retries,
    retryAfterMs: parseRetryAfter(after, retries),
  };
}

function checkName(name: string, place: Place, reserved: ReadonlySet<string>): void {
  if (reserved.has(name)) {
    complainAboutKey(place, "name is reserved: dutctl has a meaning of its own for it");
  } else if (name === "") {
    complainAboutKey(place, "name must not be empty");
  } else if (problemOfName(name) !== undefined) {
    complainAboutKey(place, `name ${problemOfName(name)}`);
  }
}
