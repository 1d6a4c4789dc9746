import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  ClientSessionRequestOptions,
  OutgoingHttpHeaders,
} from "node:http2";
import { createConnection, type Socket } from "node:net";
import { Http2SessionManager } from "@connectrpc/connect-node";
import { DutError } from "#pkg/errors/dut-error.ts";
import { type Address, formatAddress } from "./address.ts";
import { limits } from "./limits.ts";

/** The authority of requests to a unix socket, which has no name that HTTP could use. */
const unixAuthority = "http://localhost";

/**
 * The connection to one peer: opened with the first request, opened again when it was lost, alive by pings. Every
 * request of a program to that peer goes through it, RPC calls and joined streams alike.
 */
export class Http2Session extends Http2SessionManager implements Disposable {
  #current: ClientHttp2Session | undefined;

  constructor(address: Address, options: { readonly pingWhenIdle: boolean }) {
    super(
      urlOf(address),
      {
        pingIntervalMs: limits.pingIntervalMs,
        pingTimeoutMs: limits.pingTimeoutMs,
        pingIdleConnection: options.pingWhenIdle,
        idleConnectionTimeoutMs: limits.idleMs - limits.pingIntervalMs,
      },
      {
        createConnection: () => dial(address),
        settings: { initialWindowSize: limits.streamWindowBytes, enablePush: false },
        maxSessionMemory: limits.sessionMegabytes,
        peerMaxConcurrentStreams: limits.concurrentStreams,
      },
    );
  }

  override async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: Omit<ClientSessionRequestOptions, "signal">,
  ): Promise<ClientHttp2Stream> {
    const stream = await super.request(method, path, headers, options);
    const { session } = stream;
    if (session !== undefined && session !== this.#current) {
      this.#current = session as ClientHttp2Session;
      session.setLocalWindowSize(limits.connectionWindowBytes);
    }
    return stream;
  }

  /** Leaves a peer that owes no answer orderly, and any other at once. */
  [Symbol.dispose](): void {
    if (this.state() === "idle") {
      this.#current?.close();
    }
    this.abort();
  }
}

/** The base URL of calls to an address; TLS is not spoken yet. */
export function urlOf(address: Address): string {
  return address.kind === "unix" ? unixAuthority : `http://${formatAddress(clientAddress(address))}`;
}

/** For a client an empty host is this machine. */
function clientAddress(address: Address & { kind: "tcp" }): Address {
  return address.host === "" ? { ...address, host: "localhost" } : address;
}

function dial(address: Address): Socket {
  const reached =
    address.kind === "unix" ? { path: address.path } : { host: address.host || "localhost", port: address.port };
  const socket = createConnection({ ...reached, noDelay: true, keepAlive: true });
  const seconds = limits.connectMs / 1000;
  const timer = setTimeout(() => {
    socket.destroy(new DutError("unavailable", `no answer from ${formatAddress(address)} within ${seconds} s`));
  }, limits.connectMs);
  socket.once("connect", () => clearTimeout(timer));
  socket.once("close", () => clearTimeout(timer));
  return socket;
}
