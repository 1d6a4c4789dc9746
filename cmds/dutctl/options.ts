import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import type { Flags, FlagValues } from "#pkg/golang/flags.ts";
import { quote } from "#pkg/golang/quote.ts";
import { type Address, parseAddress } from "#pkg/protocol/address.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { noSettings, type Setting, type Settings } from "./settings.ts";
import { parseTlsSettings, type TlsSettings } from "./tls/tls-settings.ts";

export type Format = "text" | "json" | "jsonl" | "yaml" | "oneline";
export type LogMode = "debug" | "warn" | "none";

export interface Options {
  /** The first that answers is spoken to: servers of one lab are alike. */
  readonly servers: readonly Address[];
  /** Undefined speaks to the server in the clear. */
  readonly tls: TlsSettings | undefined;
  readonly format: Format;
  /** Annotate output with metadata. */
  readonly verbose: boolean;
  /** Colours where the stream is a terminal. */
  readonly colour: boolean;
  /** The identity that was given; the empty string stays anonymous. */
  readonly identity: string | undefined;
  readonly log: LogMode;
  /** The protocol that is forced; undefined prefers ours and falls back. */
  readonly protocol: "v1" | "lab" | undefined;
  /** For everything together, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** How long to wait for a device that somebody else has, in milliseconds: 0 not at all, Infinity for ever. */
  readonly waitMs: number;
  /** How long a run goes on without its client, in milliseconds. */
  readonly graceMs: number;
  /** Lets everything that a device says through to the terminal. */
  readonly raw: boolean;
  /** Received files take the place of existing ones. */
  readonly force: boolean;
  /** Paths that the agent may ask for besides those that the command line names. */
  readonly allowRead: readonly string[];
  /** Shows more of every device. */
  readonly long: boolean;
  /** The configuration of a bench on this computer, which is served for as long as somebody uses it. */
  readonly local: string | undefined;
}

export const flags = {
  s: {
    kind: "string",
    value: "address",
    summary:
      "agent or server to talk to: host:port, host, [IPv6]:port or unix:/path; servers of one lab with commas between",
    default: '"localhost:1024"',
  },
  tls: { kind: "boolean", summary: "speak TLS to a server whose certificate this computer trusts" },
  "tls-ca": { kind: "string", value: "file", summary: "speak TLS to a server with a certificate of these authorities" },
  "tls-cert": { kind: "string", value: "file", summary: "show this certificate: you are whom it is for" },
  "tls-key": { kind: "string", value: "file", summary: "the key to that certificate" },
  f: {
    kind: "string",
    value: "format",
    summary: "output format: text, json, jsonl, yaml or oneline",
    default: '"text"',
  },
  v: { kind: "boolean", summary: "annotate output with metadata" },
  l: { kind: "boolean", summary: "list more of every device: description, labels, state" },
  "no-color": { kind: "boolean", summary: "do not use colours" },
  u: {
    kind: "string",
    value: "identity",
    summary: "who you are to other users; without USER the account's name counts",
    default: "$USER@<hostname>",
  },
  log: { kind: "string", value: "mode", summary: "diagnostics on stderr: debug, warn or none", default: "warn" },
  context: { kind: "string", value: "name", summary: "context of the configuration file to use" },
  local: { kind: "string", value: "file", summary: "serve the bench of this agent configuration while it is used" },
  protocol: { kind: "string", value: "name", summary: "use only this protocol: v1 or lab" },
  timeout: { kind: "string", value: "duration", summary: "give up after this time, and cancel what runs" },
  wait: {
    kind: "optional",
    value: "duration",
    summary: "wait while somebody else has the device, at most this long",
    accepts: isDuration,
  },
  grace: {
    kind: "string",
    value: "duration",
    summary: "how long a run goes on when the connection is lost",
    default: "0s",
  },
  raw: { kind: "boolean", summary: "let everything a device says through to the terminal" },
  force: { kind: "boolean", summary: "let received files replace existing ones" },
  "allow-read": {
    kind: "list",
    value: "path",
    summary: "file or folder the agent may read; may be given several times",
  },
} as const satisfies Flags;

export type GivenFlags = FlagValues<typeof flags>;

export const formats = ["text", "json", "jsonl", "yaml", "oneline"] as const satisfies readonly Format[];

/** The values of options that have a fixed set of them; "" and csv are the existing program's. */
const words = {
  format: { ...sameWords(formats), "": "text", csv: "oneline" },
  log: sameWords(["debug", "warn", "none"]),
  protocol: sameWords(["v1", "lab"]),
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Bytes. It travels with every call, and others read it in lists. */
const longestIdentity = 256;

/** Control characters cannot travel in a header. */
const control = /\p{Cc}/u;

/** The options of flags over settings over what they are without either. Throws invalid_argument naming the place of the value. */
export function parseOptions(given: GivenFlags, settings: Settings = noSettings): Options {
  const fromFlag = (flag: keyof GivenFlags): Setting | undefined => {
    const value = given[flag];
    return typeof value === "string" ? { value, place: `flag -${flag}` } : undefined;
  };
  if (given.local !== undefined && given.s !== undefined) {
    throw new DutError("invalid_argument", "flags -local and -s exclude each other", {
      hint: "-local serves a bench of this computer, -s names one that is served already",
    });
  }
  const duration = (setting: Setting | undefined) => setting && parseSpan(setting);
  const wait = fromFlag("wait") ?? settings.wait;
  const servers = parseServers(fromFlag("s") ?? settings.server ?? { value: "localhost:1024", place: "flag -s" });
  return {
    servers,
    tls: parseTlsSettings(given, settings, servers),
    format: pick(fromFlag("f") ?? settings.format, words.format, "text, json, jsonl, yaml or oneline") ?? "text",
    verbose: given.v === true,
    colour: given["no-color"] !== true,
    identity: parseIdentity(fromFlag("u") ?? settings.user),
    log: pick(fromFlag("log") ?? settings.log, words.log, "debug, warn, or none") ?? "warn",
    protocol: pick(fromFlag("protocol") ?? settings.protocol, words.protocol, "v1 or lab"),
    timeoutMs: duration(fromFlag("timeout") ?? settings.timeout) || undefined,
    waitMs: wait === undefined ? 0 : wait.value === "" ? Number.POSITIVE_INFINITY : parseSpan(wait),
    graceMs: duration(fromFlag("grace") ?? settings.grace) ?? 0,
    raw: given.raw === true,
    force: given.force === true,
    allowRead: parsePaths(given["allow-read"] ?? []),
    long: given.l === true,
    local: given.local,
  };
}

function sameWords<const Word extends string>(list: readonly Word[]): { readonly [W in Word]: W } {
  return Object.fromEntries(list.map((word) => [word, word])) as { [W in Word]: W };
}

function isDuration(word: string): boolean {
  try {
    return parseDuration(word) >= 0;
  } catch (error) {
    if (error instanceof DutError) {
      return false;
    }
    throw error;
  }
}

function parseServers(setting: Setting): readonly Address[] {
  try {
    return setting.value.split(",").map((address) => parseAddress(address.trim()));
  } catch (error) {
    const hint = error instanceof DutError ? error.hint : undefined;
    throw invalidValue(setting, hint ?? messageOf(error));
  }
}

function parseIdentity(setting: Setting | undefined): string | undefined {
  const bytes = Buffer.byteLength(setting?.value ?? "");
  if (setting !== undefined && bytes > longestIdentity) {
    throw new DutError(
      "invalid_argument",
      `invalid value of ${bytes} bytes for ${setting.place}: an identity has at most ${longestIdentity}`,
    );
  }
  if (setting !== undefined && control.test(setting.value)) {
    throw invalidValue(setting, "must be one line without control characters");
  }
  return setting?.value;
}

function parsePaths(paths: readonly string[]): readonly string[] {
  if (paths.includes("")) {
    throw invalidValue({ value: "", place: "flag -allow-read" }, "must be the path of a file");
  }
  return paths;
}

/** Milliseconds of a duration that a timer can hold. */
function parseSpan(setting: Setting): number {
  const rule = "must be a duration such as 90s, 5m or 1h30m";
  const { value } = setting;
  if (!isDuration(value)) {
    throw invalidValue(setting, rule);
  }
  const milliseconds = parseDuration(value);
  if (milliseconds > limits.longestTimeoutMs) {
    throw invalidValue(setting, `${rule}, at most ${Math.floor(limits.longestTimeoutMs / 3_600_000)}h`);
  }
  return milliseconds;
}

function pick<T extends string>(
  setting: Setting | undefined,
  values: Readonly<Record<string, T>>,
  known: string,
): T | undefined {
  if (setting === undefined) {
    return undefined;
  }
  const value = Object.hasOwn(values, setting.value) ? values[setting.value] : undefined;
  if (value === undefined) {
    throw invalidValue(setting, `must be ${known}`);
  }
  return value;
}

function invalidValue({ value, place }: Setting, rule: string): DutError {
  return new DutError("invalid_argument", `invalid value ${quote(value)} for ${place}: ${rule}`);
}
