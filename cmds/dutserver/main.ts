import { DutError, explain } from "#pkg/errors/dut-error.ts";
import type { Flags } from "#pkg/golang/flags.ts";
import {
  addressFlag,
  type DaemonCommand,
  daemonMain,
  type FlagValues,
  healthFlag,
  limitFlags,
  type Task,
} from "#pkg/program/daemon-command.ts";
import { parseTls, tlsFlags } from "#pkg/program/tls/tls-flags.ts";
import type { Options } from "./options.ts";
import { parseRegistrationPolicy } from "./registrations/registration-policy.ts";
import { type RunLimits, usualRunLimits } from "./run-budget.ts";
import { storeFlags, storeIn } from "./store-options.ts";

const flags = {
  s: {
    kind: "string",
    value: "address",
    summary: "listen here: host:port, [IPv6]:port or unix:/path",
    default: '"localhost:1024"',
  },
  ...storeFlags,
  advertise: {
    kind: "string",
    value: "address",
    summary: "where the other servers of the lab reach this one: host:port",
    default: "as -s",
  },
  "legacy-register": {
    kind: "string",
    value: "networks",
    summary: "take registrations of an address from these networks: 192.0.2.0/24[,...], or none",
    default: "loopback",
  },
  ...tlsFlags,
} as const satisfies Flags;

const tasks: Readonly<Record<string, Task>> = {
  device: {
    usage: "device [-state directory | -store url] list | transfer DEVICE AGENT | release DEVICE",
    summary: "show which agent owns which device name, and give it to another",
    async run(words, { env, stdout }) {
      const { device } = await import("./commands/names.ts");
      await stdout(await device(words, env));
    },
  },
  agent: {
    usage: "agent [-state directory | -store url] list | release AGENT | remove AGENT",
    summary: "show which key owns which agent name, and let another have it",
    async run(words, { env, stdout }) {
      const { agent } = await import("./commands/names.ts");
      await stdout(await agent(words, env));
    },
  },
  db: {
    usage: "db [-state directory] recover",
    summary: "salvage what is right in a damaged file, and keep that one",
    async run(words, { env, stdout }) {
      const { db } = await import("./commands/db.ts");
      await stdout(await db(words, env));
    },
  },
  init: {
    usage: "init [-dir directory] [-force] [host]...",
    summary: "make an authority and a server certificate for a lab that has none",
    async run(words, { stdout }) {
      const { init } = await import("./commands/init.ts");
      await stdout(await init(words));
    },
  },
  cert: {
    usage: "cert agent|user|server [-dir directory] [-days number] [-host name]... NAME",
    summary: "make or renew a certificate of that authority",
    async run(words, { stdout }) {
      const { cert } = await import("./commands/cert.ts");
      await stdout(await cert(words));
    },
  },
};

/** The command line of dutserver, for what runs and for what describes it. */
export const command: DaemonCommand<Options> = {
  name: "dutserver",
  title: "DUT Control Server",
  flags,
  parse: (values) => ({
    listen: addressFlag(values, "s", "localhost:1024"),
    insecure: values.insecure === true,
    store: (env) => storeIn(values, env),
    tls: parseTls(values),
    advertise: values.advertise === undefined ? undefined : addressFlag(values, "advertise", ""),
    registrations: registrationPolicy(values),
    health: healthFlag(values),
    runLimits: runLimitsIn(values),
  }),
  tasks,
  async start(options, daemon, log) {
    const { serve } = await import("./serve.ts");
    return serve(options, daemon, log);
  },
};

/** dutserver from its command line to its exit status: 0, 1 when it cannot serve, 2 for a wrong command line. */
export const main = daemonMain(command);

function registrationPolicy(values: FlagValues) {
  const text = String(values["legacy-register"] ?? "127.0.0.0/8,::1");
  try {
    return parseRegistrationPolicy(text === "none" ? "" : text);
  } catch (error) {
    throw error instanceof DutError
      ? new DutError(error.code, `invalid value for flag -legacy-register: ${explain(error)}`)
      : error;
  }
}

function runLimitsIn(values: FlagValues): RunLimits {
  const { perUser, perAgent, total } = usualRunLimits;
  const limits = limitFlags(values, { "runs-per-user": perUser, "runs-per-agent": perAgent, runs: total });
  return { perUser: limits["runs-per-user"], perAgent: limits["runs-per-agent"], total: limits.runs };
}
