import type { AgentConfig } from "#pkg/config/config.ts";
import { ConfigError } from "#pkg/config/config-error.ts";
import { loadConfig } from "#pkg/config/load-config.ts";
import { explain } from "#pkg/errors/dut-error.ts";
import { describeFlags } from "#pkg/golang/flags.ts";
import { nodeHost } from "#pkg/host/node-host.ts";
import { createLog } from "#pkg/log/create-log.ts";
import type { Log } from "#pkg/log/log.ts";
import { parseLogLevel } from "#pkg/log/parse-log-level.ts";
import { moduleKinds } from "#pkg/modules/modules.ts";
import type { Daemon } from "#pkg/program/daemon.ts";
import { versionText } from "#pkg/protocol/version-text.ts";
import { openBench } from "#pkg/session/bench.ts";
import { flags, type Invocation, type Options, parseInvocation } from "./flags.ts";
import { serve } from "./serve.ts";

/** dutagent from its command line to its exit status: 0, 1 when something is wrong, 2 for a wrong command line. */
export async function main(daemon: Daemon): Promise<number> {
  let invocation: Invocation;
  try {
    invocation = parseInvocation(daemon.argv);
  } catch (error) {
    daemon.stderr(`${explain(error)}\nUsage of dutagent:\n${describeFlags(flags)}`);
    return 2;
  }
  switch (invocation.name) {
    case "help":
      daemon.stderr(`Usage of dutagent:\n${describeFlags(flags)}`);
      return 0;
    case "version":
      daemon.stdout(versionText("DUT Control Agent", daemon.runtime));
      return 0;
    default:
      return start(invocation.name, invocation.options, daemon);
  }
}

async function start(name: "serve" | "check-config" | "dry-run", options: Options, daemon: Daemon): Promise<number> {
  const log = createLog({
    level: parseLogLevel(options.logLevel),
    format: options.logJson ? "json" : "text",
    scope: "agent",
  });
  const config = await readConfig(options.config, name, log);
  if (config === undefined) {
    return 1;
  }
  if (name === "check-config") {
    log.info("configuration is valid", { path: options.config });
    return 0;
  }
  const bench = await openBench(config, { host: nodeHost(), log, signal: daemon.signal });
  try {
    for (const { device, command, module, error } of bench.failures) {
      log.error("module error", { device, command, module, err: explain(error) });
    }
    if (name === "serve") {
      return await serve(bench, options, daemon.signal, log);
    }
    const failed = bench.failures.length > 0;
    log.info(`initialization ${failed ? "failed" : "successful"} - dry run finished`);
    return failed ? 1 : 0;
  } finally {
    await bench[Symbol.asyncDispose]();
  }
}

async function readConfig(path: string, name: string, log: Log): Promise<AgentConfig | undefined> {
  log.info("loading configuration", { path });
  try {
    return await loadConfig(path, moduleKinds);
  } catch (error) {
    const complaint = name === "check-config" ? "bad configuration" : "loading config failed";
    const sentences = error instanceof ConfigError ? error.message.split("\n") : [explain(error)];
    for (const sentence of sentences) {
      log.error(complaint, { err: sentence });
    }
    return undefined;
  }
}
