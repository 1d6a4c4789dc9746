import type { AgentConfig } from "#pkg/config/config.ts";
import { ConfigError } from "#pkg/config/config-error.ts";
import { loadConfig } from "#pkg/config/load-config.ts";
import { explain } from "#pkg/errors/dut-error.ts";
import { nodeHost } from "#pkg/host/node-host.ts";
import type { Log } from "#pkg/log/log.ts";
import { moduleKinds } from "#pkg/modules/modules.ts";
import { openBench } from "#pkg/session/bench.ts";
import type { Options } from "./options.ts";
import { serve } from "./serve.ts";

/** Reads the configuration, opens the modules and does what was asked. Resolves with the exit status. */
export async function start(options: Options, signal: AbortSignal, log: Log): Promise<number> {
  const config = await readConfig(options, log);
  if (config === undefined) {
    return 1;
  }
  if (options.task === "check-config") {
    log.info("configuration is valid", { path: options.config });
    return 0;
  }
  await using bench = await openBench(config, { host: nodeHost(), log, signal });
  for (const { device, command, module, error } of bench.failures) {
    log.error("module error", { device, command, module, err: explain(error) });
  }
  if (options.task === "serve") {
    return await serve(bench, options, signal, log);
  }
  const failed = bench.failures.length > 0;
  log.info(`initialization ${failed ? "failed" : "successful"} - dry run finished`);
  return failed ? 1 : 0;
}

async function readConfig({ config: path, task }: Options, log: Log): Promise<AgentConfig | undefined> {
  log.info("loading configuration", { path });
  try {
    return await loadConfig(path, moduleKinds);
  } catch (error) {
    const complaint = task === "check-config" ? "bad configuration" : "loading config failed";
    const sentences = error instanceof ConfigError ? error.message.split("\n") : [explain(error)];
    for (const sentence of sentences) {
      log.error(complaint, { err: sentence });
    }
    return undefined;
  }
}
