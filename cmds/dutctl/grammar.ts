import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { type Flags, parseFlags } from "#pkg/golang/flags.ts";
import { quote } from "#pkg/golang/quote.ts";
import { type Address, parseAddress } from "#pkg/protocol/address.ts";

export type Format = "text" | "json" | "jsonl" | "yaml" | "oneline";
export type LogMode = "debug" | "warn" | "none";

export interface Options {
  readonly server: Address;
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

/** What a command line asks for. */
export type Invocation =
  | { readonly name: "help" }
  | { readonly name: "version"; readonly options: Options }
  | { readonly name: "list"; readonly options: Options }
  | { readonly name: "commands"; readonly device: string; readonly options: Options }
  | { readonly name: "details"; readonly device: string; readonly command: string; readonly options: Options }
  | {
      readonly name: "run";
      readonly device: string;
      readonly command: string;
      readonly args: readonly string[];
      readonly options: Options;
    }
  | { readonly name: "lock"; readonly device: string; readonly duration: string | undefined; readonly options: Options }
  | { readonly name: "unlock"; readonly device: string; readonly force: boolean; readonly options: Options }
  /** Well-formed options before positionals that mean nothing. */
  | { readonly name: "invalid"; readonly reason: string; readonly options: Options };

export const flags = {
  s: {
    kind: "string",
    value: "address",
    summary: "agent or server to talk to: host:port, host, [IPv6]:port or unix:/path",
    default: '"localhost:1024"',
  },
  f: { kind: "string", value: "format", summary: "output format: text, json, yaml or oneline", default: '"text"' },
  v: { kind: "boolean", summary: "annotate output with metadata" },
  "no-color": { kind: "boolean", summary: "do not use colours" },
  u: { kind: "string", value: "identity", summary: "who you are to other users", default: "$USER@<hostname>" },
  log: { kind: "string", value: "mode", summary: "diagnostics on stderr: debug, warn or none", default: "warn" },
} as const satisfies Flags;

const formats: Readonly<Record<string, Format>> = {
  "": "text",
  text: "text",
  json: "json",
  yaml: "yaml",
  oneline: "oneline",
  csv: "oneline",
};

/** Control characters cannot travel in a header. */
const control = /\p{Cc}/u;

/** Reads a command line. Throws invalid_argument when an option is wrong. */
export function parseInvocation(argv: readonly string[]): Invocation {
  const { values, positionals } = parseFlags(argv, flags);
  const options = parseOptions(values);
  if (values.help === true) {
    return { name: "help" };
  }
  return dispatch(positionals, options);
}

function parseOptions(values: Readonly<Record<string, string | boolean>>): Options {
  const text = (name: keyof typeof flags) => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  const identity = text("u");
  if (identity !== undefined && control.test(identity)) {
    throw invalidValue("u", identity, "must be one line without control characters");
  }
  return {
    server: parseServer(text("s") ?? "localhost:1024"),
    format: pick("f", text("f") ?? "", formats, "must be text, json, yaml or oneline"),
    verbose: values.v === true,
    colour: values["no-color"] !== true,
    identity,
    log: pick(
      "log",
      text("log") ?? "warn",
      { debug: "debug", warn: "warn", none: "none" },
      "must be debug, warn, or none",
    ),
    protocol: undefined,
    timeoutMs: undefined,
    waitMs: 0,
    graceMs: 0,
    raw: false,
    force: false,
    allowRead: [],
    long: false,
    local: undefined,
  };
}

function parseServer(text: string): Address {
  try {
    return parseAddress(text);
  } catch (error) {
    const hint = error instanceof DutError ? error.hint : undefined;
    throw invalidValue("s", text, hint ?? messageOf(error));
  }
}

function pick<T>(flag: string, text: string, values: Readonly<Record<string, T>>, rule: string): T {
  const value = Object.hasOwn(values, text) ? values[text] : undefined;
  if (value === undefined) {
    throw invalidValue(flag, text, rule);
  }
  return value;
}

function invalidValue(flag: string, text: string, rule: string): DutError {
  return new DutError("invalid_argument", `invalid value ${quote(text)} for flag -${flag}: ${rule}`);
}

function dispatch(positionals: readonly string[], options: Options): Invocation {
  const [device, command, ...args] = positionals;
  if (device === "version") {
    return { name: "version", options };
  }
  if (device === undefined || (device === "list" && command === undefined)) {
    return { name: "list", options };
  }
  if (device === "list") {
    return { name: "invalid", reason: "list takes no arguments", options };
  }
  if (command === undefined) {
    return { name: "commands", device, options };
  }
  const [first] = args;
  if (command === "lock") {
    return args.length <= 1
      ? { name: "lock", device, duration: first, options }
      : { name: "invalid", reason: "lock takes at most a duration", options };
  }
  if (command === "unlock") {
    return args.length === 0 || (args.length === 1 && first === "force")
      ? { name: "unlock", device, force: first === "force", options }
      : { name: "invalid", reason: "unlock takes nothing, or the word force", options };
  }
  if (first === "help") {
    return args.length === 1
      ? { name: "details", device, command, options }
      : { name: "invalid", reason: "help takes no arguments", options };
  }
  return { name: "run", device, command, args, options };
}
