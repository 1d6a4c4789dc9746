import { hostname } from "node:os";
import { explain } from "#pkg/errors/dut-error.ts";
import { nodeHost } from "#pkg/host/node-host.ts";
import { removeAbandoned } from "#pkg/host/temporary-directory.ts";
import type { Log } from "#pkg/log/log.ts";
import type { Daemon } from "#pkg/program/daemon.ts";
import { stateDirectory } from "#pkg/program/state-directory.ts";
import { openTls } from "#pkg/program/tls/open-tls.ts";
import { openBench } from "#pkg/session/bench.ts";
import { openSqliteStore } from "#pkg/store/sqlite/open-sqlite-store.ts";
import type { Store } from "#pkg/store/store.ts";
import { Bell } from "./bell.ts";
import { checkConfig } from "./check-config.ts";
import { ConfigSource } from "./config-source.ts";
import type { Options } from "./options.ts";
import { serve } from "./serve.ts";
import { defaultAgentName } from "./servers/agent-name.ts";
import { type Identity, openIdentity } from "./servers/identity.ts";
import { stateName } from "./state-name.ts";

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
  using tls = options.task === "serve" ? await openTls(options.tls, log) : undefined;
  if (options.task === "serve" && tls === undefined) {
    return 1;
  }
  // Before any hardware is touched: the state belongs to one process, and so does what is wired to it.
  await using state = options.task === "serve" ? await openState(options, env, log) : undefined;
  if (options.task === "serve" && state === undefined) {
    return 1;
  }
  if (options.task === "serve") {
    await removeAbandoned(log);
  }
  const bell = new Bell();
  using _ = options.task === "serve" ? daemon.onHangUp(() => bell.ring()) : undefined;
  await using bench = await openBench(config, { host: nodeHost(), log, signal });
  if (state !== undefined && tls !== undefined) {
    const { store, identity } = state;
    const name = options.name ?? tls.agentName ?? defaultAgentName(hostname(), options.config);
    return await serve({
      bench,
      store,
      tls,
      identity,
      name,
      options,
      config: source,
      bell,
      ready: daemon.ready,
      signal,
      log,
    });
  }
  const failed = bench.failures.length > 0;
  log.info(`initialization ${failed ? "failed" : "successful"} - dry run finished`);
  return failed ? 1 : 0;
}

/** What outlives the agent. */
interface State extends AsyncDisposable {
  readonly store: Store;
  readonly identity: Identity;
}

async function openState({ state, config }: Options, env: Daemon["env"], log: Log): Promise<State | undefined> {
  const directory = stateDirectory(state, await stateName(config), env);
  try {
    await using opened = new AsyncDisposableStack();
    const store = opened.use(openSqliteStore(directory));
    const identity = openIdentity(directory);
    log.info("state opened", { directory });
    const release = opened.move();
    return { store, identity, [Symbol.asyncDispose]: () => release.disposeAsync() };
  } catch (error) {
    log.error("cannot open the state", { err: explain(error) });
    return undefined;
  }
}
