import { explain } from "#pkg/errors/dut-error.ts";
import { nodeHost } from "#pkg/host/node-host.ts";
import type { Log } from "#pkg/log/log.ts";
import type { Daemon } from "#pkg/program/daemon.ts";
import { openBench } from "#pkg/session/bench.ts";
import { openSqliteStore } from "#pkg/store/sqlite/open-sqlite-store.ts";
import type { Store } from "#pkg/store/store.ts";
import { Bell } from "./bell.ts";
import { checkConfig } from "./check-config.ts";
import { ConfigSource } from "./config-source.ts";
import type { Options } from "./options.ts";
import { serve } from "./serve.ts";
import { stateDirectory } from "./state-directory.ts";

/** Reads the configuration, opens the modules and does what was asked. Resolves with the exit status. */
export async function start(options: Options, daemon: Daemon, log: Log): Promise<number> {
  const { env, signal } = daemon;
  const source = new ConfigSource(options.config, env, log);
  if (options.task === "check-config") {
    return await checkConfig({ source, path: options.config, stderr: daemon.stderr, log });
  }
  const config = await source.read("loading config failed");
  if (config === undefined) {
    return 1;
  }
  // Before any hardware is touched: the state belongs to one process, and so does what is wired to it.
  await using store = options.task === "serve" ? await openState(options, env, log) : undefined;
  if (options.task === "serve" && store === undefined) {
    return 1;
  }
  const bell = new Bell();
  using _ = options.task === "serve" ? daemon.onHangUp(() => bell.ring()) : undefined;
  await using bench = await openBench(config, { host: nodeHost(), log, signal });
  if (store !== undefined) {
    return await serve({ bench, store, options, config: source, bell, signal, log });
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
