import { DutError, explain, messageOf } from "#pkg/errors/dut-error.ts";
import { Locks } from "#pkg/lock/locks.ts";
import type { Log } from "#pkg/log/log.ts";
import { untilAborted } from "#pkg/program/daemon.ts";
import { formatAddress } from "#pkg/protocol/address.ts";
import { type Listener, listen } from "#pkg/protocol/listener.ts";
import { type HttpHandler, rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { commandOf, refuseRun, runExchange } from "#pkg/relay/run-request.ts";
import type { Bench } from "#pkg/session/bench.ts";
import { RunEngine } from "#pkg/session/run-engine.ts";
import { within } from "#pkg/session/time-limit.ts";
import type { Options } from "./options.ts";
import { register } from "./register.ts";
import { deviceRoutes } from "./service.ts";

/** Stopping every run: a module gets its grace, and what still runs after this is left to the end of the process. */
const stopRunsMs = 13_000;
/** Telling the clients after that. */
const drainMs = 2_000;

/** Serves a bench until the signal. Resolves with the exit status, with everything stopped but the modules. */
export async function serve(bench: Bench, options: Options, signal: AbortSignal, log: Log): Promise<number> {
  const locks = new Locks();
  const engine = new RunEngine(bench, locks, log);
  const rpcLog = log.with({ scope: "rpc" });
  const handler = agentHandler(
    rpcHandler(deviceRoutes({ bench, engine, locks, log }), { self: "agent", log: rpcLog }),
    rpcLog,
  );
  let listener: Listener;
  try {
    listener = await listen(options.listen, handler, { log: rpcLog, insecure: options.insecure });
  } catch (error) {
    log.error("cannot listen", { addr: formatAddress(options.listen), err: explain(error) });
    return 1;
  }
  await using open = listener;
  log.info("rpc service listening", { addr: formatAddress(open.address) });
  if (options.server !== undefined) {
    try {
      await register(options.server, Array.from(bench.devices.keys()), open.address);
    } catch (error) {
      log.error("registration failed", { err: explain(error) });
      return 1;
    }
    log.info("registered", { server: formatAddress(options.server) });
  }
  await untilAborted(signal);
  log.info("shutting down", { signal: String(signal.reason) });
  await shutDown(engine, open, log);
  return 0;
}

/**
 * A run may send whole files, but it begins with a command: that one is looked at before the RPC library reads the
 * stream, so that nobody makes the agent keep large messages without having a device.
 */
function agentHandler(routes: HttpHandler, log: Log): HttpHandler {
  return (request, response) => {
    const run = runExchange(request, response);
    if (run === undefined) {
      routes(request, response);
    } else {
      void commandOf(run).then(
        () => routes(request, response),
        (error: unknown) => refuseRun(run, error, "agent", log),
      );
    }
  };
}

/** Ends every run, then waits until the clients have heard of it; both within their limits. */
async function shutDown(engine: RunEngine, listener: Listener, log: Log): Promise<void> {
  const drained = new AbortController();
  const draining = listener.drain(drained.signal);
  try {
    await within(stopRunsMs, "stopping the runs", engine.stop(new DutError("aborted", "dutagent is shutting down")));
    await within(drainMs, "telling the clients", draining);
  } catch (error) {
    log.warn("graceful shutdown did not finish in time", { err: messageOf(error) });
  } finally {
    drained.abort();
    await draining.catch(() => undefined);
  }
}
