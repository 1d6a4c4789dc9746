import { DutError } from "#pkg/errors/dut-error.ts";
import type { Flags } from "#pkg/golang/flags.ts";
import { quote } from "#pkg/golang/quote.ts";
import {
  addressesFlag,
  addressFlag,
  type DaemonCommand,
  daemonMain,
  type FlagValues,
  healthFlag,
  limitFlags,
  type Task,
} from "#pkg/program/daemon-command.ts";
import { parseTls, tlsFlags } from "#pkg/program/tls/tls-flags.ts";
import { usualRunsPerUser } from "#pkg/session/request-limits.ts";
import type { Options } from "./options.ts";

const flags = {
  a: {
    kind: "string",
    value: "address",
    summary: "listen here: host:port, [IPv6]:port or unix:/path; none with -server, which needs no open port",
    default: '"localhost:1024"',
  },
  c: { kind: "string", value: "path", summary: "configuration file", default: '"dutctl.yaml"' },
  "check-config": { kind: "boolean", summary: "only read and check the configuration" },
  "dry-run": { kind: "boolean", summary: "only open every module and close it again" },
  name: {
    kind: "string",
    value: "name",
    summary: "what servers call this agent",
    default: "that of its certificate, or the computer's name, with that of the configuration unless it is dutctl.yaml",
  },
  server: {
    kind: "string",
    value: "address[,address...]",
    summary: "be at this dutserver, or at one of several of the same lab",
  },
  state: {
    kind: "string",
    value: "directory",
    summary: "keep reservations and the agent's key here",
    default: "one per configuration file below ~/.local/state/dutagent",
  },
  users: {
    kind: "string",
    value: "path",
    summary: "stop when nobody is connected to this unix socket any more; wait while another dutagent has it",
  },
  ...tlsFlags,
} as const satisfies Flags;

const tasks: Readonly<Record<string, Task>> = {
  schema: {
    usage: "schema",
    summary: "print the JSON Schema of the configuration file, for editors",
    async run(words, { stdout }) {
      const { schemaText } = await import("./commands/schema.ts");
      await stdout(schemaText(words));
    },
  },
  modules: {
    usage: "modules [name]",
    summary: "list the modules, or one, with their options",
    async run(words, { stdout }) {
      const { modulesText } = await import("./commands/modules.ts");
      await stdout(modulesText(words));
    },
  },
  init: {
    usage: "init [-force] [file]",
    summary: "look at this computer and write a first configuration",
    async run(words, { env, stdout, stderr }) {
      const { init } = await import("./commands/init.ts");
      const said = await init(words, env.PATH ?? "");
      await stdout(said.stdout);
      stderr(said.stderr);
    },
  },
};

/** The command line of dutagent, for what runs and for what describes it. */
export const command: DaemonCommand<Options> = {
  name: "dutagent",
  title: "DUT Control Agent",
  flags,
  parse: (values) => ({
    task: values["check-config"] === true ? "check-config" : values["dry-run"] === true ? "dry-run" : "serve",
    listen: listenAddress(values),
    name: agentName(values),
    config: String(values.c ?? "dutctl.yaml"),
    state: (values.state ?? "") === "" ? undefined : String(values.state),
    users: values.users === undefined ? undefined : String(values.users),
    insecure: values.insecure === true,
    tls: parseTls(values),
    servers: addressesFlag(values, "server"),
    health: healthFlag(values),
    runsPerUser: limitFlags(values, { "runs-per-user": usualRunsPerUser })["runs-per-user"],
  }),
  tasks,
  async start(options, daemon, log) {
    const { start } = await import("./start.ts");
    if (options.users !== undefined) {
      const { claim } = await import("./users/claim.ts");
      using alone = await claim(`${options.users}.lock`, daemon.signal);
      return alone === undefined ? 0 : await start(options, daemon, log);
    }
    return start(options, daemon, log);
  },
};

/** dutagent from its command line to its exit status: 0, 1 when something is wrong, 2 for a wrong command line. */
export const main = daemonMain(command);

/** Throws invalid_argument for an agent that nobody could reach. */
function listenAddress(values: FlagValues) {
  if (values.a !== "none") {
    return addressFlag(values, "a", "localhost:1024");
  }
  if ((values.server ?? "") === "") {
    throw new DutError("invalid_argument", "an agent with -a none is reached through a server alone", {
      hint: "give one with -server",
    });
  }
  return undefined;
}

function agentName(values: FlagValues): string | undefined {
  if (values.name === undefined) {
    return undefined;
  }
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(String(values.name))) {
    throw new DutError("invalid_argument", `invalid value for flag -name: ${quote(String(values.name))}`, {
      hint: "small letters, digits, dots, dashes and underscores, at most 64",
    });
  }
  return String(values.name);
}
