import { randomUUID } from "node:crypto";
import { DutError, explain, messageOf } from "#pkg/errors/dut-error.ts";
import { openHealth } from "#pkg/health/open-health.ts";
import { Locks } from "#pkg/lock/locks.ts";
import { resourceNames } from "#pkg/lock/resource-names.ts";
import type { Log } from "#pkg/log/log.ts";
import { untilAborted } from "#pkg/program/daemon.ts";
import type { Tls } from "#pkg/program/tls/open-tls.ts";
import { formatAddress } from "#pkg/protocol/address.ts";
import { DeviceService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { LabService, RunService } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { type Listener, listen } from "#pkg/protocol/listener.ts";
import { rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import type { Bench } from "#pkg/session/bench.ts";
import { RunEngine } from "#pkg/session/run-engine.ts";
import { within } from "#pkg/session/time-limit.ts";
import type { Store } from "#pkg/store/store.ts";
import { agentHandler } from "./agent-handler.ts";
import type { Bell } from "./bell.ts";
import type { ConfigSource } from "./config-source.ts";
import { FileMemory } from "./file-memory.ts";
import { runRoutes } from "./lab-run.ts";
import { labRoutes } from "./lab-service.ts";
import type { Options } from "./options.ts";
import { reloadAtEveryRing } from "./reload.ts";
import type { Identity } from "./servers/identity.ts";
import { ServerLink } from "./servers/server-link.ts";
import { deviceRoutes, fileIntake } from "./service.ts";
import { countUsers } from "./users/count-users.ts";

/** Stopping every run takes at most 44 s, by the limits of its steps: a module that hangs, then the ones that are due in any case. */
const stopRunsMs = 45_000;
/** Telling the clients after that. */
const drainMs = 2_000;

const shuttingDown = "dutagent is shutting down";

/** Those of which grpc.health.v1 tells. */
const services = [DeviceService, LabService, RunService].map(({ typeName }) => typeName);

interface Serving {
  readonly bench: Bench;
  readonly store: Store;
  readonly tls: Tls;
  /** What servers know the agent by. */
  readonly identity: Identity;
  readonly name: string;
  readonly options: Options;
  readonly config: ConfigSource;
  /** Rung when the configuration is to be read again. */
  readonly bell: Bell;
  /** Called when it serves. */
  ready(): void;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** Serves a bench until the signal. Resolves with the exit status, with everything stopped but the modules. */
export async function serve(serving: Serving): Promise<number> {
  const { bench, store, tls, options, config, bell, signal, log } = serving;
  using locks = await Locks.open({
    store,
    log,
    resourcesOf: (device) => resourcesOf(bench, device),
    hide: (name) => config.hide(name),
  });
  await using health = await openHealth({ program: "dutagent", address: options.health, log });
  if (health === undefined) {
    return 1;
  }
  const { metrics, readiness } = health;
  const engine = new RunEngine(bench, locks, log, { runsPerUser: options.runsPerUser, metrics });
  const stopping = new AbortController();
  const memory = new FileMemory(metrics);
  const desk = { bench, engine, locks, memory, log };
  const rpcLog = log.with({ scope: "rpc" });
  const handler = agentHandler(
    rpcHandler(
      (router) => {
        deviceRoutes(desk)(router);
        labRoutes(desk, stopping.signal)(router);
        runRoutes(engine, log.with({ scope: "session" }))(router);
        health.routes(services)(router);
      },
      { self: "agent", log: rpcLog, intake: fileIntake(memory), metrics },
    ),
    rpcLog,
  );
  let listener: Listener | undefined;
  try {
    const { insecure } = options;
    const own = { log: rpcLog, insecure, tls: tls.listening, metrics };
    listener = options.listen && (await listen(options.listen, health.before(handler), own));
  } catch (error) {
    log.error("cannot listen", { addr: options.listen && formatAddress(options.listen), err: explain(error) });
    return 1;
  }
  await using open = listener;
  if (open !== undefined) {
    log.info("rpc service listening", { addr: formatAddress(open.address) });
  }
  serving.ready();
  const { identity, name } = serving;
  using servers = new ServerLink({
    servers: options.servers,
    self: { name, bootId: randomUUID(), identity, bench, engine, locks },
    handler,
    own: open?.address,
    tls: () => tls.towardsServers(),
    log,
    metrics,
  });
  await using users = await countUsers({
    at: options.users,
    config: () => config.mark,
    devices: () => bench.devices.keys(),
    locks,
  });
  const stop = AbortSignal.any([signal, users.unused]);
  const reloading = reloadAtEveryRing({ bell, config, bench, locks, renewTls: () => tls.renew(open), log }, stop);
  const attaching = servers.keep(stop);
  await untilAborted(stop);
  await Promise.all([reloading, attaching]);
  log.info("shutting down", { signal: String(stop.reason) });
  servers.goodbye(shuttingDown);
  readiness.leave(shuttingDown);
  stopping.abort(new DutError("unavailable", shuttingDown));
  await shutDown(engine, [servers, ...(open === undefined ? [] : [open])], log);
  return 0;
}

/** Whatever a command of the device uses. */
function resourcesOf(bench: Bench, device: string): readonly string[] {
  const commands = bench.devices.get(device)?.commands.values() ?? [];
  return resourceNames(
    Array.from(commands).flatMap(({ config }) => config.uses.flatMap(({ module }) => module.resources)),
  );
}

/** What clients and servers are served through. */
interface Drainable {
  /** Takes nothing new and resolves when what is open has ended; rejects when the signal aborts first. */
  drain(signal: AbortSignal): Promise<void>;
}

/** Ends every run, then waits until the clients have heard of it; both within their limits. */
async function shutDown(engine: RunEngine, doors: readonly Drainable[], log: Log): Promise<void> {
  const drained = new AbortController();
  const draining = Promise.all(doors.map((door) => door.drain(drained.signal)));
  try {
    await within(stopRunsMs, "stopping the runs", engine.stop(new DutError("aborted", shuttingDown)));
    await within(drainMs, "telling the clients", draining);
  } catch (error) {
    log.warn("graceful shutdown did not finish in time", { err: messageOf(error) });
  } finally {
    drained.abort();
    await draining.catch(() => undefined);
  }
}
