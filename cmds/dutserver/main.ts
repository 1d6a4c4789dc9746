import type { Flags } from "#pkg/golang/flags.ts";
import { addressFlag, daemonMain, type Task } from "#pkg/program/daemon-command.ts";
import { parseTls, tlsFlags } from "#pkg/program/tls/tls-flags.ts";
import type { Options } from "./options.ts";

const flags = {
  s: {
    kind: "string",
    value: "address",
    summary: "listen here: host:port, [IPv6]:port or unix:/path",
    default: '"localhost:1024"',
  },
  ...tlsFlags,
} as const satisfies Flags;

const tasks: Readonly<Record<string, Task>> = {
  init: {
    usage: "init [-dir directory] [-force] [host]...",
    summary: "make an authority and a server certificate for a lab that has none",
    async run(words, { stdout }) {
      const { init } = await import("./commands/init.ts");
      stdout(await init(words));
    },
  },
  cert: {
    usage: "cert agent|user|server [-dir directory] [-days number] [-host name]... NAME",
    summary: "make or renew a certificate of that authority",
    async run(words, { stdout }) {
      const { cert } = await import("./commands/cert.ts");
      stdout(await cert(words));
    },
  },
};

/** dutserver from its command line to its exit status: 0, 1 when it cannot serve, 2 for a wrong command line. */
export const main = daemonMain<Options>({
  name: "dutserver",
  title: "DUT Control Server",
  flags,
  parse: (values) => ({
    listen: addressFlag(values, "s", "localhost:1024"),
    insecure: values.insecure === true,
    tls: parseTls(values),
  }),
  tasks,
  async start(options, daemon, log) {
    const { serve } = await import("./serve.ts");
    return serve(options, daemon, log);
  },
});
