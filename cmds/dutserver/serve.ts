import { hostname } from "node:os";
import { DutError, explain, messageOf } from "#pkg/errors/dut-error.ts";
import { openHealth } from "#pkg/health/open-health.ts";
import type { Log } from "#pkg/log/log.ts";
import { type Daemon, untilAborted } from "#pkg/program/daemon.ts";
import { openTls } from "#pkg/program/tls/open-tls.ts";
import { type Address, formatAddress } from "#pkg/protocol/address.ts";
import { DeviceService, RelayService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { LabService, RunService } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { type Listener, listen } from "#pkg/protocol/listener.ts";
import { upgrades } from "#pkg/relay/upgrade.ts";
import { openStore } from "#pkg/store/open-store.ts";
import type { Store } from "#pkg/store/store.ts";
import type { StoreSpec } from "#pkg/store/store-spec.ts";
import { listenForAdmin } from "./administration/admin-socket.ts";
import { administrationOf } from "./administration/administration.ts";
import { Membership } from "./cluster/membership.ts";
import { type PeerDoor, peerDoor } from "./cluster/peer-door.ts";
import { type Lab, openLab } from "./lab.ts";
import type { Options } from "./options.ts";

/** How long runs that are being forwarded may go on after the signal to stop. */
const drainMs = 30_000;
/** Telling the clients after that. */
const farewellMs = 2_000;

/** Those of which grpc.health.v1 tells. */
const services = [DeviceService, RelayService, LabService, RunService].map(({ typeName }) => typeName);

/** Serves until the signal, then drains. Reads its certificates again at SIGHUP. Resolves with the exit status. */
export async function serve(options: Options, { env, signal, onHangUp, ready }: Daemon, log: Log): Promise<number> {
  using tls = await openTls(options.tls, log);
  if (tls === undefined) {
    return 1;
  }
  await using health = await openHealth({ program: "dutserver", address: options.health, log });
  if (health === undefined) {
    return 1;
  }
  const { metrics, readiness } = health;
  let spec: StoreSpec;
  let opened: Store;
  try {
    spec = options.store(env);
    opened = await openStore(spec, {
      ...{ log: log.with({ scope: "store" }), env },
      onCall: (call, ms) => metrics.storeCall(call, ms / 1_000),
    });
  } catch (error) {
    log.error("cannot open the state", { err: explain(error) });
    return 1;
  }
  await using store = opened;
  using _degraded = store.onHealth((found) => {
    const reason = found.kind === "ok" ? undefined : found.reason;
    readiness.report("store", reason);
    log.with({ scope: "store" })[reason === undefined ? "info" : "error"](`store ${found.kind}`, { reason });
  });
  const isShared = spec.kind === "etcd";
  log.info(
    "state opened",
    spec.kind === "sqlite" ? { directory: spec.directory } : { etcd: spec.members.map(formatAddress) },
  );
  const broken = new AbortController();
  let bound = options.listen;
  const address = () => formatAddress(reachedAt({ ...options, listen: bound }));
  const server = () => `dutserver at ${address()}`;
  const opening = openLab({
    ...{ store, isShared, server, registrations: options.registrations, runLimits: options.runLimits, metrics, log },
    ...{ tls: () => tls.towardsServers(), signal },
    failed: (error) => {
      log.error("the store can no longer be followed", { err: explain(error) });
      broken.abort(messageOf(error));
    },
  });
  await using lab = await orLogged(opening, "cannot open the state", { signal, log });
  if (lab === undefined) {
    return signal.aborted ? 0 : 1;
  }
  using peers = isShared ? peerDoor(lab.handler("here"), log.with({ scope: "peer" })) : undefined;
  let listener: Listener;
  try {
    listener = await listen(options.listen, health.before(lab.handler("lab", health.routes(services))), {
      log: log.with({ scope: "rpc" }),
      insecure: options.insecure,
      metrics,
      tls: tls.listening,
      upgrades: {
        [upgrades.agent]: lab.sessions.upgrade,
        ...(peers === undefined ? {} : { [upgrades.peer]: peers.upgrade }),
      },
    });
  } catch (error) {
    log.error("cannot listen", { addr: formatAddress(options.listen), err: explain(error) });
    return 1;
  }
  await using open = listener;
  bound = open.address;
  await using joined = new AsyncDisposableStack();
  if (isShared) {
    const joining = Membership.join({ store, self: lab.id, address: address(), log });
    const membership = await orLogged(joining, "cannot join the other servers", { signal, log });
    if (membership === undefined) {
      return signal.aborted ? 0 : 1;
    }
    joined.use(membership);
  }
  await using _admin =
    spec.kind === "sqlite"
      ? await listenForAdmin(spec.directory, administrationOf(lab.registry), log.with({ scope: "admin" }))
      : undefined;
  using _renewing = onHangUp(() => void tls.renew(open));
  log.info("rpc service listening", { addr: formatAddress(open.address) });
  ready();
  const stop = AbortSignal.any([signal, broken.signal]);
  await untilAborted(stop);
  log.info("shutting down", { signal: String(stop.reason), runs: lab.budget.count });
  readiness.leave(`${server()} is shutting down`);
  await shutDown(lab, open, { peers, server: server(), log });
  return broken.signal.aborted ? 1 : 0;
}

/** What a step of the start makes; undefined, which has been logged, when it fails or the signal ends it. */
async function orLogged<T>(
  step: Promise<T>,
  failure: string,
  { signal, log }: { readonly signal: AbortSignal; readonly log: Log },
): Promise<T | undefined> {
  try {
    return await step;
  } catch (error) {
    if (signal.aborted) {
      log.info("shutting down", { signal: String(signal.reason) });
    } else {
      log.error(failure, { err: explain(error) });
    }
    return undefined;
  }
}

/** Where others reach this server: a listener on every address is reached by the computer's name. */
function reachedAt({ advertise, listen: own }: Pick<Options, "advertise" | "listen">): Address {
  if (advertise !== undefined || own.kind === "unix" || !["", "0.0.0.0", "::"].includes(own.host)) {
    return advertise ?? own;
  }
  return { ...own, host: hostname() };
}

interface Surroundings {
  readonly peers: PeerDoor | undefined;
  readonly server: string;
  readonly log: Log;
}

/** Agents go elsewhere, no run begins, those that go on get their time, then everybody is told to go. */
async function shutDown(lab: Lab, listener: Listener, { peers, server, log }: Surroundings): Promise<void> {
  const reason = `${server} is shutting down`;
  lab.budget.refuse(new DutError("unavailable", reason, { hint: "try again in a moment" }));
  lab.sessions.sendAway(reason);
  await lab.budget.ended(AbortSignal.timeout(drainMs)).catch(() => {
    log.warn("runs that do not end are given up", { runs: lab.budget.count });
    // Clients hear of their agents why, and of a connection that is dropped nothing.
    lab.sessions[Symbol.dispose]();
  });
  // Who watches would stay for as long as he may.
  lab.inventory[Symbol.dispose]();
  try {
    const patience = AbortSignal.timeout(farewellMs);
    await Promise.all([listener.drain(patience), peers?.drain(patience)]);
  } catch (error) {
    log.warn("graceful shutdown did not fully drain in time", { err: messageOf(error) });
  }
}
