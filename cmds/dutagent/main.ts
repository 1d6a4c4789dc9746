import type { Flags } from "#pkg/golang/flags.ts";
import { addressFlag, daemonMain, healthFlag, limitFlags, type Task } from "#pkg/program/daemon-command.ts";
import { usualRunsPerUser } from "#pkg/session/request-limits.ts";
import type { Options } from "./options.ts";

const flags = {
  a: {
    kind: "string",
    value: "address",
    summary: "listen here: host:port, [IPv6]:port or unix:/path",
    default: '"localhost:1024"',
  },
  c: { kind: "string", value: "path", summary: "configuration file", default: '"dutctl.yaml"' },
  "check-config": { kind: "boolean", summary: "only read and check the configuration" },
  "dry-run": { kind: "boolean", summary: "only open every module and close it again" },
  server: { kind: "string", value: "address", summary: "register the devices with this dutserver" },
  state: {
    kind: "string",
    value: "directory",
    summary: "keep reservations here",
    default: "one per configuration file below ~/.local/state/dutagent",
  },
  users: {
    kind: "string",
    value: "path",
    summary: "stop when nobody is connected to this unix socket any more; wait while another dutagent has it",
  },
} as const satisfies Flags;

const tasks: Readonly<Record<string, Task>> = {
  schema: {
    usage: "schema",
    summary: "print the JSON Schema of the configuration file, for editors",
    async run(words, { stdout }) {
      const { schemaText } = await import("./commands/schema.ts");
      stdout(schemaText(words));
    },
  },
  modules: {
    usage: "modules [name]",
    summary: "list the modules, or one, with their options",
    async run(words, { stdout }) {
      const { modulesText } = await import("./commands/modules.ts");
      stdout(modulesText(words));
    },
  },
  init: {
    usage: "init [-force] [file]",
    summary: "look at this computer and write a first configuration",
    async run(words, { env, stdout, stderr }) {
      const { init } = await import("./commands/init.ts");
      const said = await init(words, env.PATH ?? "");
      stdout(said.stdout);
      stderr(said.stderr);
    },
  },
};

/** dutagent from its command line to its exit status: 0, 1 when something is wrong, 2 for a wrong command line. */
export const main = daemonMain<Options>({
  name: "dutagent",
  title: "DUT Control Agent",
  flags,
  parse: (values) => ({
    task: values["check-config"] === true ? "check-config" : values["dry-run"] === true ? "dry-run" : "serve",
    listen: addressFlag(values, "a", "localhost:1024"),
    config: String(values.c ?? "dutctl.yaml"),
    state: (values.state ?? "") === "" ? undefined : String(values.state),
    users: values.users === undefined ? undefined : String(values.users),
    insecure: values.insecure === true,
    health: healthFlag(values),
    runsPerUser: limitFlags(values, { "runs-per-user": usualRunsPerUser })["runs-per-user"],
    server: (values.server ?? "") === "" ? undefined : addressFlag(values, "server", ""),
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
});
