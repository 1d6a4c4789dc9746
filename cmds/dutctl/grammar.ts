import { DutError } from "#pkg/errors/dut-error.ts";
import { parseFlags } from "#pkg/golang/flags.ts";
import { type ConfigRequest, parseConfigRequest } from "./config/config-request.ts";
import { flags, type GivenFlags, type Options, parseOptions } from "./options.ts";
import type { Settings } from "./settings.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** What the words of a command line ask for. */
export type Request =
  | { readonly name: "help"; readonly topic: string | undefined }
  | { readonly name: "version" }
  | { readonly name: "config"; readonly request: ConfigRequest }
  | { readonly name: "completion"; readonly shell: Shell }
  /** Asked by the script of a shell: what the last of these words may become. */
  | { readonly name: "complete"; readonly words: readonly string[] }
  | { readonly name: "list" }
  | { readonly name: "describe"; readonly device: string }
  /** Every device when none is named. */
  | { readonly name: "watch"; readonly device: string | undefined }
  | { readonly name: "runs"; readonly device: string | undefined }
  /** The run that goes on there when none is named. */
  | { readonly name: "attach"; readonly device: string; readonly runId: string | undefined }
  | { readonly name: "commands"; readonly device: string }
  | { readonly name: "details"; readonly device: string; readonly command: string }
  | { readonly name: "run"; readonly device: string; readonly command: string; readonly args: readonly string[] }
  | { readonly name: "lock"; readonly device: string; readonly duration: string | undefined }
  /** `keepRun` lets a command that runs there go on. */
  | { readonly name: "unlock"; readonly device: string; readonly force: boolean; readonly keepRun: boolean }
  /** Well-formed options before words that mean nothing. */
  | { readonly name: "invalid"; readonly reason: string; readonly hint: string | undefined };

/** What a command line asks for, and how. */
export type Invocation = Request & { readonly options: Options };

/** A command line whose options may still be completed by settings. */
export type CommandLine =
  /** -h: the usage, whatever else there is. */
  { readonly kind: "usage" } | { readonly kind: "request"; readonly given: GivenFlags; readonly request: Request };

/** Reads a command line. Throws invalid_argument when an option is unknown or lacks its value. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const { values, positionals, terminated } = parseFlags(argv, flags);
  if (values.help === true) {
    return { kind: "usage" };
  }
  const request = terminated ? aboutDevice(positionals) : parseRequest(positionals);
  return { kind: "request", given: values, request: refuseEmptyNames(request) };
}

/** Nothing is called by the empty string; it comes from variables of a script that are not set. */
function refuseEmptyNames(request: Request): Request {
  const why = "an empty word stands where the name should be; is a variable of the script not set?";
  if ("device" in request && request.device === "") {
    return invalid("the name of the device is empty", why);
  }
  if ("command" in request && request.command === "") {
    return invalid("the name of the command is empty", why);
  }
  return "runId" in request && request.runId === "" ? invalid("the id of the run is empty", why) : request;
}

/** Reads a command line together with the settings. Throws invalid_argument when an option or a setting is wrong. */
export function parseInvocation(argv: readonly string[], settings?: Settings): Invocation | { readonly name: "usage" } {
  const line = parseCommandLine(argv);
  return line.kind === "usage" ? { name: "usage" } : { ...line.request, options: parseOptions(line.given, settings) };
}

/** The words that mean something in the place of a device. `dutctl -- <device>` means a device of that name. */
export const firstWords = {
  list: (args) =>
    args.length === 0
      ? { name: "list" }
      : invalid(
          "list takes no arguments",
          args[0]?.startsWith("-") ? "options stand first: dutctl -l list" : undefined,
        ),
  describe: ([device, ...more]) =>
    device !== undefined && more.length === 0
      ? { name: "describe", device }
      : invalid("describe takes the name of a device", otherwise("describe")),
  watch: (args) =>
    args.length <= 1
      ? { name: "watch", device: args[0] }
      : invalid("watch takes at most the name of a device", otherwise("watch")),
  attach: ([device, runId, ...more]) =>
    device !== undefined && more.length === 0
      ? { name: "attach", device, runId }
      : invalid("attach takes the name of a device and at most the id of a run", otherwise("attach")),
  runs: (args) =>
    args.length <= 1
      ? { name: "runs", device: args[0] }
      : invalid("runs takes at most the name of a device", otherwise("runs")),
  config: (args) => {
    const request = parseConfigRequest(args);
    return typeof request === "string" ? invalid(request, "dutctl help config") : { name: "config", request };
  },
  completion: ([word, ...more]) => {
    const shell = shells.find((name) => name === word);
    return shell !== undefined && more.length === 0
      ? { name: "completion", shell }
      : invalid("completion takes the name of a shell: bash, zsh or fish", otherwise("completion"));
  },
  help: (args) =>
    args.length <= 1 ? { name: "help", topic: args[0] } : invalid("help takes at most one topic", otherwise("help")),
  version: () => ({ name: "version" }),
} as const satisfies Readonly<Record<string, (args: readonly string[]) => Request>>;

/** Not for people: completion scripts say it. */
const completeWord = "__complete";

function parseRequest(positionals: readonly string[]): Request {
  const [first = "", ...args] = positionals;
  if (first === completeWord) {
    return { name: "complete", words: args };
  }
  return Object.hasOwn(firstWords, first)
    ? firstWords[first as keyof typeof firstWords](args)
    : aboutDevice(positionals);
}

function aboutDevice([device, command, ...args]: readonly string[]): Request {
  if (device === undefined) {
    return { name: "list" };
  }
  if (command === undefined) {
    return { name: "commands", device };
  }
  const [first] = args;
  if (command === "lock") {
    return args.length <= 1 ? { name: "lock", device, duration: first } : invalid("lock takes at most a duration");
  }
  if (command === "unlock") {
    return parseUnlock(device, args);
  }
  if (first === "help") {
    return args.length === 1 ? { name: "details", device, command } : invalid("help takes no arguments");
  }
  return { name: "run", device, command, args };
}

function parseUnlock(device: string, args: readonly string[]): Request {
  const meanings: Readonly<Record<string, { force: boolean; keepRun: boolean }>> = {
    "": { force: false, keepRun: false },
    force: { force: true, keepRun: false },
    "force keep": { force: true, keepRun: true },
  };
  const written = args.join(" ");
  const meaning = Object.hasOwn(meanings, written) && !args.includes("") ? meanings[written] : undefined;
  return meaning === undefined
    ? invalid("unlock takes nothing, the word force, or the words force keep")
    : { name: "unlock", device, ...meaning };
}

function invalid(reason: string, hint?: string): Request {
  return { name: "invalid", reason, hint };
}

function otherwise(word: string): string {
  return `for a device of that name, write: dutctl -- ${word}`;
}

/** The request in a command line that means nothing, as an error. */
export function invalidCommandLine({ reason, hint }: Request & { name: "invalid" }): DutError {
  return new DutError("invalid_argument", `invalid command line: ${reason}`, hint === undefined ? {} : { hint });
}
