import type { Flags } from "#pkg/golang/flags.ts";
import { addressFlag, daemonMain, type FlagValues, healthFlag, limitFlags } from "#pkg/program/daemon-command.ts";
import type { Options } from "./options.ts";
import { type RunLimits, usualRunLimits } from "./run-budget.ts";

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
  parse: (values) => ({
    listen: addressFlag(values, "s", "localhost:1024"),
    insecure: values.insecure === true,
    health: healthFlag(values),
    runLimits: runLimitsIn(values),
  }),
  async start(options, daemon, log) {
    const { serve } = await import("./serve.ts");
    return serve(options, daemon.signal, log);
  },
});

function runLimitsIn(values: FlagValues): RunLimits {
  const { perUser, perAgent, total } = usualRunLimits;
  const limits = limitFlags(values, { "runs-per-user": perUser, "runs-per-agent": perAgent, runs: total });
  return { perUser: limits["runs-per-user"], perAgent: limits["runs-per-agent"], total: limits.runs };
}
