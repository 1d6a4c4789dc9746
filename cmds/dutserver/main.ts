import type { Flags } from "#pkg/golang/flags.ts";
import { addressFlag, daemonMain } from "#pkg/program/daemon-command.ts";
import type { Options } from "./options.ts";

const flags = {
  s: {
    kind: "string",
    value: "address",
    summary: "listen here: host:port, [IPv6]:port or unix:/path",
    default: '"localhost:1024"',
  },
} as const satisfies Flags;

/** dutserver from its command line to its exit status: 0, 1 when it cannot serve, 2 for a wrong command line. */
export const main = daemonMain<Options>({
  name: "dutserver",
  title: "DUT Control Server",
  flags,
  parse: (values) => ({ listen: addressFlag(values, "s", "localhost:1024"), insecure: values.insecure === true }),
  async start(options, daemon, log) {
    const { serve } = await import("./serve.ts");
    return serve(options, daemon.signal, log);
  },
});
