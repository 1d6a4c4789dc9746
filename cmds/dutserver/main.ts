import { explain } from "#pkg/errors/dut-error.ts";
import { describeFlags } from "#pkg/golang/flags.ts";
import { createLog } from "#pkg/log/create-log.ts";
import { parseLogLevel } from "#pkg/log/parse-log-level.ts";
import type { Daemon } from "#pkg/program/daemon.ts";
import { versionText } from "#pkg/protocol/version-text.ts";
import { flags, type Invocation, parseInvocation } from "./flags.ts";
import { serve } from "./serve.ts";

/** dutserver from its command line to its exit status: 0, 1 when it cannot serve, 2 for a wrong command line. */
export async function main(daemon: Daemon): Promise<number> {
  let invocation: Invocation;
  try {
    invocation = parseInvocation(daemon.argv);
  } catch (error) {
    daemon.stderr(`${explain(error)}\nUsage of dutserver:\n${describeFlags(flags)}`);
    return 2;
  }
  switch (invocation.name) {
    case "help":
      daemon.stderr(`Usage of dutserver:\n${describeFlags(flags)}`);
      return 0;
    case "version":
      daemon.stdout(versionText("DUT Control Server", daemon.runtime));
      return 0;
    case "serve": {
      const { options } = invocation;
      const log = createLog({
        level: parseLogLevel(options.logLevel),
        format: options.logJson ? "json" : "text",
        scope: "server",
      });
      return serve(options, daemon.signal, log);
    }
  }
}
