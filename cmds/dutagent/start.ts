import { dirname } from "node:path";
import type { AgentConfig } from "#pkg/config/config.ts";
import { ConfigError } from "#pkg/config/config-error.ts";
import { loadConfig } from "#pkg/config/load-config.ts";
import { ProcessSecrets } from "#pkg/config/secrets/secret-source.ts";
import { explain } from "#pkg/errors/dut-error.ts";
import { nodeHost } from "#pkg/host/node-host.ts";
import type { Log } from "#pkg/log/log.ts";
import { moduleKinds } from "#pkg/modules/modules.ts";
import type { Daemon } from "#pkg/program/daemon.ts";
import { openBench } from "#pkg/session/bench.ts";
import { openSqliteStore } from "#pkg/store/sqlite/open-sqlite-store.ts";
import type { Store } from "#pkg/store/store.ts";
import type { Options } from "./options.ts";
import { serve } from "./serve.ts";
import { stateDirectory } from "./state-directory.ts";
import { markOf } from "./users/count-users.ts";

/** Reads the configuration, opens the modules and does what was asked. Resolves with the exit status. */
export async function start(options: Options, { env, signal }: Daemon, log: Log): Promise<number> {
  const configMark = await markOf(options.config);
  const config = await readConfig(options, log);
  if (config === undefined) {
    return 1;
  }
  if (options.task === "check-config") {
    log.info("configuration is valid", { path: options.config });
    return 0;
  }
  // Before any hardware is touched: the state belongs to one process, and so does what is wired to it.
  await using store = options.task === "serve" ? await openState(options, env, log) : undefined;
  if (options.task === "serve" && store === undefined) {
    return 1;
  }
  await using bench = await openBench(config, { host: nodeHost(), log, signal });
  if (store !== undefined) {
    return await serve({ bench, store, options, configMark, signal, log });
  }
  const failed = bench.failures.length > 0;
  log.info(`initialization ${failed ? "failed" : "successful"} - dry run finished`);
  return failed ? 1 : 0;
}

async function openState({ state, config }: Options, env: Daemon["env"], log: Log): Promise<Store | undefined> {
  const directory = await stateDirectory(state, config, env);
  try {
    const store = openSqliteStore(directory);
    log.info("state opened", { directory });
    return store;
  } catch (error) {
    log.error("cannot open the state", { err: explain(error) });
    return undefined;
  }
}

async function readConfig({ config: path, task }: Options, log: Log): Promise<AgentConfig | undefined> {
  log.info("loading configuration", { path });
  try {
    return await loadConfig(path, moduleKinds, new ProcessSecrets(process.env, dirname(path)));
  } catch (error) {
    const complaint = task === "check-config" ? "bad configuration" : "loading config failed";
    const sentences = error instanceof ConfigError ? error.message.split("\n") : [explain(error)];
    for (const sentence of sentences) {
      log.error(complaint, { err: sentence });
    }
    return undefined;
  }
}
