import { DutError, explain } from "#pkg/errors/dut-error.ts";
import { describeFlags, type Flags, type FlagValues as ParsedValues, parseFlags } from "#pkg/golang/flags.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Log } from "#pkg/log/log.ts";
import { type Address, parseAddress } from "#pkg/protocol/address.ts";
import { versionText } from "#pkg/protocol/version-text.ts";
import type { Daemon, DaemonMain } from "./daemon.ts";

/** The flags that a command line gave, by name. */
export type FlagValues = ParsedValues<Flags>;

/** A daemon's command line and what it starts. */
export interface DaemonCommand<Options> {
  readonly name: "dutagent" | "dutserver";
  /** The first line of its version. */
  readonly title: string;
  readonly flags: Flags;
  /** Throws invalid_argument when a flag is wrong. */
  parse(values: FlagValues): Options;
  /** What the first word of the command line may ask for instead; any other word is ignored. */
  readonly tasks?: Readonly<Record<string, Task>>;
  /** Resolves with the exit status. */
  start(options: Options, daemon: Daemon, log: Log): Promise<number>;
}

/** Something a daemon's program does at once, without becoming a daemon. */
export interface Task {
  /** Its words, as in `modules [name]`. */
  readonly usage: string;
  readonly summary: string;
  /** `words` are those behind its own. Throws what is to be told to the user. */
  run(words: readonly string[], daemon: Daemon): Promise<void>;
}

/** Flags that every daemon has. */
const commonFlags = {
  insecure: { kind: "boolean", summary: "accept an address that other machines can reach, without any protection" },
  v: { kind: "boolean", summary: "print the version" },
  log: { kind: "string", value: "level", summary: "least level to log: debug, info, warn or error", default: "debug" },
  "log-json": { kind: "boolean", summary: "log in JSON" },
  health: {
    kind: "string",
    value: "address",
    summary: "answer /healthz, /readyz and /metrics there too, without encryption, and nothing else",
  },
  limit: { kind: "list", value: "name=number", summary: "another number for a limit; once for each" },
} as const satisfies Flags;

/** Every flag of a daemon. */
export function allFlags({ flags }: Pick<DaemonCommand<unknown>, "flags">): Flags {
  return { ...flags, ...commonFlags };
}

/** A daemon from its command line to its exit status; 2 for a command line that is wrong. Words are ignored, as ever, but for those of tasks. */
export function daemonMain<Options>(command: DaemonCommand<Options>): DaemonMain {
  const flags = allFlags(command);
  const usage = `Usage of ${command.name}:\n${describeFlags(flags)}${describeTasks(command)}`;
  return async (daemon) => {
    let values: FlagValues;
    let words: readonly string[];
    let options: Options;
    try {
      ({ values, positionals: words } = parseFlags(daemon.argv, flags));
      options = command.parse(values);
    } catch (error) {
      daemon.stderr(`${explain(error)}\n${usage}`);
      return 2;
    }
    if (values.help === true) {
      daemon.stderr(usage);
      return 0;
    }
    if (values.v === true) {
      return attempt(command.name, daemon, () => daemon.stdout(versionText(command.title, daemon.runtime)));
    }
    const [word = "", ...others] = words;
    const task = Object.hasOwn(command.tasks ?? {}, word) ? command.tasks?.[word] : undefined;
    if (task !== undefined) {
      return runTask(command.name, task, others, daemon);
    }
    return command.start(options, daemon, await logOf(values, command.name));
  };
}

async function runTask(program: string, task: Task, words: readonly string[], daemon: Daemon): Promise<number> {
  if (words.some((word) => ["-h", "--help", "-help"].includes(word))) {
    daemon.stderr(`Usage: ${program} ${task.usage}\n${task.summary}\n`);
    return 0;
  }
  return attempt(program, daemon, () => task.run(words, daemon));
}

/** The exit status of something done at once, with what it threw told to the user. */
async function attempt(program: string, daemon: Daemon, act: () => Promise<void>): Promise<number> {
  try {
    await act();
    return 0;
  } catch (error) {
    daemon.stderr(`${program}: ${explain(error)}\n`);
    return error instanceof DutError && error.code === "invalid_argument" ? 2 : 1;
  }
}

function describeTasks({ name, tasks = {} }: Pick<DaemonCommand<unknown>, "name" | "tasks">): string {
  const lines = Object.values(tasks).map(({ usage, summary }) => `  ${name} ${usage}\n    \t${summary}\n`);
  return lines.length === 0 ? "" : `\nOther tasks:\n${lines.join("")}`;
}

async function logOf(values: FlagValues, name: DaemonCommand<unknown>["name"]): Promise<Log> {
  const { createLog } = await import("#pkg/log/create-log.ts");
  const { parseLogLevel } = await import("#pkg/log/parse-log-level.ts");
  return createLog({
    level: parseLogLevel(String(values.log ?? commonFlags.log.default)),
    format: values["log-json"] === true ? "json" : "text",
    scope: name.replace(/^dut/, ""),
  });
}

/** The address that a flag gives. Throws invalid_argument naming the flag. */
export function addressFlag(values: FlagValues, flag: string, otherwise: string): Address {
  const text = String(values[flag] ?? otherwise);
  try {
    return parseAddress(text);
  } catch (error) {
    throw error instanceof DutError
      ? new DutError(error.code, `invalid value for flag -${flag}: ${explain(error)}`)
      : error;
  }
}

/** The addresses that a flag gives, with commas between; none when it is not given. Throws invalid_argument naming the flag. */
export function addressesFlag(values: FlagValues, flag: string): readonly Address[] {
  const text = String(values[flag] ?? "");
  return text === "" ? [] : text.split(",").map((part) => addressFlag({ [flag]: part.trim() }, flag, ""));
}

/** The address where a daemon is to be looked after; undefined when there is none. Throws invalid_argument. */
export function healthFlag(values: FlagValues): Address | undefined {
  return (values.health ?? "") === "" ? undefined : addressFlag(values, "health", "");
}

/** The limits of a daemon, by name, with those that the flag gives in their place. Throws invalid_argument. */
export function limitFlags<Name extends string>(
  values: FlagValues,
  usual: Readonly<Record<Name, number>>,
): Readonly<Record<Name, number>> {
  const limits: Record<Name, number> = { ...usual };
  for (const given of (values.limit ?? []) as readonly string[]) {
    const [, name = "", number = ""] = /^([^=]*)=(\d{1,9})$/.exec(given) ?? [];
    if (!Object.hasOwn(usual, name) || Number(number) === 0) {
      const known = Object.entries(usual).map(([known, number]) => `${known}=${number}`);
      throw new DutError("invalid_argument", `invalid value ${quote(given)} for flag -limit`, {
        hint: `the limits and their numbers are ${known.join(", ")}`,
      });
    }
    limits[name as Name] = Number(number);
  }
  return limits;
}
