import { hostname } from "node:os";
import { DutError, explain, messageOf } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { type Daemon, untilAborted } from "#pkg/program/daemon.ts";
import { stateDirectory } from "#pkg/program/state-directory.ts";
import { openTls } from "#pkg/program/tls/open-tls.ts";
import { type Address, formatAddress } from "#pkg/protocol/address.ts";
import { type Listener, listen } from "#pkg/protocol/listener.ts";
import { upgrades } from "#pkg/relay/upgrade.ts";
import { openSqliteStore } from "#pkg/store/sqlite/open-sqlite-store.ts";
import type { Store } from "#pkg/store/store.ts";
import { Membership } from "./cluster/membership.ts";
import { type PeerDoor, peerDoor } from "./cluster/peer-door.ts";
import { type Lab, openLab } from "./lab.ts";
import type { Options } from "./options.ts";

/** How long runs that are being forwarded may go on after the signal to stop. */
const drainMs = 30_000;
/** Telling the clients after that. */
const farewellMs = 2_000;

/** Serves until the signal, then drains. Reads its certificates again at SIGHUP. Resolves with the exit status. */
export async function serve(options: Options, { env, signal, onHangUp }: Daemon, log: Log): Promise<number> {
  using tls = await openTls(options.tls, log);
  if (tls === undefined) {
    return 1;
  }
  await using store = await openStore(options, env, log);
  if (store === undefined) {
    return 1;
  }
  const broken = new AbortController();
  const server = `dutserver at ${formatAddress(reachedAt(options))}`;
  await using lab = await openLab({
    ...{ store, server, registrations: options.registrations, log },
    tls: () => tls.towardsServers(),
    failed: (error) => {
      log.error("the store can no longer be followed", { err: explain(error) });
      broken.abort(messageOf(error));
    },
  });
  using peers = options.store === undefined ? undefined : peerDoor(lab.handler("here"), log.with({ scope: "peer" }));
  let listener: Listener;
  try {
    listener = await listen(options.listen, lab.handler("lab"), {
      log: log.with({ scope: "rpc" }),
      insecure: options.insecure,
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
  using _renewing = onHangUp(() => void tls.renew(open));
  await using _ =
    options.store === undefined
      ? undefined
      : await Membership.join({
          ...{ store, self: lab.id, log },
          address: formatAddress(reachedAt({ ...options, listen: open.address })),
        });
  log.info("rpc service listening", { addr: formatAddress(open.address) });
  const stop = AbortSignal.any([signal, broken.signal]);
  await untilAborted(stop);
  log.info("shutting down", { signal: String(stop.reason), runs: lab.runs.count });
  await shutDown(lab, open, { peers, server, log });
  return broken.signal.aborted ? 1 : 0;
}

async function openStore(options: Options, env: Daemon["env"], log: Log): Promise<Store | undefined> {
  const directory = stateDirectory(options.state, "dutserver", env);
  try {
    const store = openSqliteStore(directory);
    log.info("state opened", { directory });
    return store;
  } catch (error) {
    log.error("cannot open the state", { err: explain(error) });
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
  lab.runs.refuse(new DutError("unavailable", reason, { hint: "try again in a moment" }));
  lab.sessions.sendAway(reason);
  try {
    await lab.runs.ended(AbortSignal.timeout(drainMs));
    // Who watches would stay for as long as he may.
    lab.inventory[Symbol.dispose]();
    const patience = AbortSignal.timeout(farewellMs);
    await Promise.all([listener.drain(patience), peers?.drain()]);
  } catch (error) {
    log.warn("graceful shutdown did not fully drain in time", { err: messageOf(error) });
  }
}
