import { once } from "node:events";
import { access, lstat, unlink } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { sparing } from "#pkg/log/sparing.ts";
import { limitNames } from "#pkg/metrics/limit-names.ts";
import { type Metrics, noMetrics } from "#pkg/metrics/metrics.ts";
import { type Address, formatAddress } from "./address.ts";
import type { OwnPlace } from "./browser-guard.ts";
import { ConnectionBudget, type Guest } from "./connection-budget.ts";
import { Descriptors } from "./descriptors.ts";
import { http1Door, type Upgrade } from "./http1-door.ts";
import { http2Door } from "./http2-door.ts";
import { identifyCallers, identifyTakers } from "./identify-callers.ts";
import { IdentityBudget } from "./identity-budget.ts";
import { limits } from "./limits.ts";
import { refuseOpenListener } from "./listen-policy.ts";
import type { HttpHandler } from "./rpc-handler.ts";
import { Entrance } from "./tls/entrance.ts";
import { sayFarewell } from "./tls/farewell.ts";
import { type ServerTls, TlsGate } from "./tls/gate.ts";

/** An open port. Disposing drops whatever is still connected. */
export interface Listener extends AsyncDisposable {
  /** With the port that the system chose when 0 was asked for. */
  readonly address: Address;
  /**
   * Takes no new connections and requests, and resolves when the open ones have ended; rejects when `signal` aborts
   * first. The rest is left to the disposal.
   */
  drain(signal: AbortSignal): Promise<void>;
  /**
   * Takes other certificates for the connections that come from now on; those that are open stay. Throws invalid_argument
   * for what cannot be used, and then nothing is changed; failed_precondition for a port in the clear.
   */
  reloadTls(tls: ServerTls): void;
}

export type { ServerTls };

export interface ListenOptions {
  readonly log: Log;
  /** Accepts an address beyond loopback and unix sockets. */
  readonly insecure: boolean;
  /** Speaks TLS alone. Default in the clear; a unix socket is always. */
  readonly tls?: ServerTls | undefined;
  /** Protocols that a connection of HTTP/1.1 may be taken over for, by name. Default none. */
  readonly upgrades?: Readonly<Record<string, Upgrade>>;
  /** From accepting a connection to its first bytes, and to the end of the first headers. Default limits.firstRequestMs. */
  readonly headersMs?: number;
  /** Default none. */
  readonly metrics?: Metrics;
  /**
   * Answers HTTP/1.1 by whatever name it was found. Default: only by names of its own, since a page of another site could
   * make its name this machine's.
   */
  readonly anyHost?: boolean;
}

/** One side of the port: takes sockets that speak its protocol and knows what is open on them. */
export interface Door {
  /** `guest` is told what becomes of the connection. */
  admit(socket: Socket, guest?: Guest): void;
  /** Tells peers to go and resolves when the last one has. */
  drain(): Promise<void>;
  close(): void;
}

/**
 * Serves HTTP/2 with prior knowledge and HTTP/1.1 on one port or unix socket, in TLS where that is wanted.
 * Throws permission_denied for an open listener that was not asked for, already_exists for an address in use,
 * invalid_argument for one that is not this machine's, and for a certificate or key that cannot be used.
 */
export async function listen(address: Address, handler: HttpHandler, options: ListenOptions): Promise<Listener> {
  const { headersMs = limits.firstRequestMs, upgrades = {}, metrics = noMetrics } = options;
  const log = sparing(options.log);
  const gate =
    options.tls === undefined || address.kind === "unix"
      ? undefined
      : new TlsGate(options.tls, Math.min(limits.handshakeMs, headersMs));
  await refuseOpenListener(address, { insecure: options.insecure, guarded: gate?.tls.clientCa !== undefined });
  const entrance = new Entrance({ gate, firstBytesMs: headersMs, log });
  const open = new Set<Socket>();
  const takers = Object.entries(upgrades).map(([name, upgrade]) => [name, identifyTakers(name, upgrade, log)] as const);
  const taken: Readonly<Record<string, Upgrade>> = Object.fromEntries(takers);
  const identified = identifyCallers(handler, log);
  const place = placeOf(address, gate, options);
  const doors = {
    http1: http1Door(identified, { place, headersMs, log, metrics, upgrades: taken }),
    http2: http2Door(identified, { headersMs, log, metrics }),
  };
  const unrecognised = new Set<Socket>();
  const descriptors = new Descriptors();
  const budget = new ConnectionBudget({
    firstRequestMs: headersMs,
    onHit(limit, source) {
      metrics.limitHit(limit);
      log.warn(`limit of connections: ${limitNames[limit]}`, { source });
    },
  });
  const identities = new IdentityBudget();
  const serve = async (socket: Socket, guest: Guest) => {
    try {
      const entered = await entrance.pass(socket);
      unrecognised.delete(socket);
      if (entered === undefined) {
        return;
      }
      const refusal = identities.admit(entered.socket);
      if (refusal === undefined) {
        doors[entered.protocol].admit(entered.socket, guest);
        return;
      }
      metrics.limitHit("connections_per_identity");
      log.warn("connection refused, its certificate has too many", { remote: socket.remoteAddress, reason: refusal });
      sayFarewell(entered.socket, entered.protocol, 429, refusal);
    } catch (error) {
      log.debug("connection closed", { err: error });
      socket.destroy();
    }
  };
  const server = createServer({ noDelay: true, keepAlive: true, pauseOnConnect: true }, (socket) => {
    if (!descriptors.take()) {
      metrics.limitHit("descriptors");
      log.warn("connection refused: the process is short of file descriptors");
      socket.destroy();
      return;
    }
    open.add(socket);
    unrecognised.add(socket);
    const counted = metrics.connection(socket);
    socket.once("close", () => {
      counted[Symbol.dispose]();
      open.delete(socket);
      unrecognised.delete(socket);
    });
    socket.on("error", (error) => log.debug("connection failed", { err: error }));
    budget.admit(socket, (guest) => {
      const left = () => {
        // Who has taken it over closes it.
        open.delete(socket);
        guest.left();
      };
      void serve(socket, { ...guest, left });
    });
  });
  await bind(server, address);
  server.on("error", (error) => log.warn("accepting a connection failed", { err: error }));
  return {
    address: boundAddress(server, address),
    async drain(signal) {
      server.close();
      for (const socket of unrecognised) {
        socket.destroy();
      }
      const gone = Promise.all([doors.http1.drain(), doors.http2.drain()]);
      const aborted = Promise.withResolvers<never>();
      using _ = onAbort(signal, () => aborted.reject(signal.reason));
      await Promise.race([gone, aborted.promise]);
    },
    reloadTls(tls) {
      if (gate === undefined) {
        throw new DutError("failed_precondition", `${formatAddress(address)} does not speak TLS`);
      }
      gate.replace(tls);
    },
    async [Symbol.asyncDispose]() {
      doors.http1.close();
      doors.http2.close();
      for (const socket of open) {
        socket.destroy();
      }
      if (server.listening) {
        server.close();
        await once(server, "close");
      }
    },
  };
}

function placeOf(address: Address, gate: TlsGate | undefined, { anyHost = false }: ListenOptions): OwnPlace {
  const listenHost = address.kind === "tcp" ? address.host : "localhost";
  return {
    scheme: gate === undefined ? "http" : "https",
    isOwnName: (host) => anyHost || host === listenHost || gate?.isFor(host) === true,
  };
}

function onAbort(signal: AbortSignal, react: () => void): Disposable {
  if (signal.aborted) {
    react();
  }
  signal.addEventListener("abort", react);
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", react) };
}

async function bind(server: Server, address: Address): Promise<void> {
  if (address.kind === "unix") {
    await access(dirname(address.path)).catch((error: unknown) => {
      throw bindError(error, address);
    });
    await removeDeadSocket(address.path);
  }
  // Where "localhost" is an IPv6 name first, the existing clients would not find a listener that is only there.
  const where =
    address.kind === "unix"
      ? { path: address.path }
      : { host: address.host === "localhost" ? "127.0.0.1" : address.host || undefined, port: address.port };
  server.listen({ ...where, backlog: limits.backlog });
  try {
    await once(server, "listening");
  } catch (error) {
    throw bindError(error, address);
  }
}

function bindError(error: unknown, address: Address): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const place = formatAddress(address);
  switch (code) {
    case "EADDRINUSE":
      return new DutError("already_exists", `${place} is in use by another program`, {
        hint: "stop that program or choose another address",
        cause: error,
      });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new DutError("invalid_argument", `${place} is not an address of this machine`, { cause: error });
    case "EACCES":
      return new DutError("permission_denied", `not allowed to listen on ${place}`, { cause: error });
    case "ENOENT":
      return new DutError("not_found", `the folder of ${place} does not exist`, { cause: error });
    default:
      return error;
  }
}

/** A unix socket outlives a killed program: it is removed when nobody answers there. Anything else is left in the way. */
async function removeDeadSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(absent);
  if (found === undefined) {
    return;
  }
  if (!found.isSocket()) {
    throw new DutError("already_exists", `${path} is there already and is no socket`, {
      hint: "move it away or choose another address",
    });
  }
  const socket = connect({ path });
  const dead = await once(socket, "connect").then(
    () => false,
    (error: { code?: string }) => error.code === "ECONNREFUSED",
  );
  socket.destroy();
  if (dead) {
    await unlink(path);
  }
}

function absent(error: { code?: string }): undefined {
  if (error.code !== "ENOENT") {
    throw error;
  }
}

function boundAddress(server: Server, asked: Address): Address {
  const bound = server.address();
  return asked.kind === "unix" || bound === null || typeof bound === "string" ? asked : { ...asked, port: bound.port };
}
