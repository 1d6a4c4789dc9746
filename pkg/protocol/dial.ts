import { createConnection, type Socket } from "node:net";
import type { Role } from "#pkg/auth/peer.ts";
import { DutError } from "#pkg/errors/dut-error.ts";
import { type Address, formatAddress } from "./address.ts";
import { answeredInTime } from "./answer-in-time.ts";

/**
 * This machine's own addresses, in the order that the existing programs listen on. Named here (RFC 6761, section 6.3)
 * because Node takes 5 ms to find out that a name is no address, a tenth of what `dutctl list` takes.
 */
const loopback = ["127.0.0.1", "::1"];

/** What a program that dials trusts, and shows of itself. All of it is text in PEM. */
export interface ClientTls {
  /** The authorities that the peer's certificate may be of; undefined takes those that the system trusts. */
  readonly ca: string | undefined;
  /** Its own certificate and the key to it; undefined shows none. */
  readonly own: { readonly cert: string; readonly key: string } | undefined;
  /** What the peer's certificate has to be for when it is one of ours; undefined takes any that is meant for the address. */
  readonly expects?: Role;
}

/**
 * Opens a connection, in TLS 1.3 where that is wanted. Throws unavailable when there is none within limits.connectMs,
 * unauthenticated for a peer that speaks no TLS or is not the one it should be, and the signal's reason.
 */
export async function dial(
  address: Address,
  signal: AbortSignal,
  tls?: ClientTls,
  protocol: "h2" | "http/1.1" = "h2",
): Promise<Socket> {
  const socket = await dialInClear(address, signal);
  return tls === undefined || address.kind === "unix" ? socket : secured(socket, { address, signal, tls, protocol });
}

interface Wanted {
  readonly address: Address;
  readonly signal: AbortSignal;
  readonly tls: ClientTls;
  readonly protocol: string;
}

async function secured(socket: Socket, { address, signal, tls, protocol }: Wanted): Promise<Socket> {
  const { beginTls, refuseUntrusted } = await import("./tls/client-tls.ts");
  const { tlsFault } = await import("./tls/tls-fault.ts");
  const peer = formatAddress(address);
  const host = address.kind === "tcp" && address.host !== "" ? address.host : "localhost";
  const securing = { peer, host, tls, protocol };
  const secure = beginTls(socket, securing);
  try {
    await settled(secure, "secureConnect", address, signal);
  } catch (error) {
    throw (error instanceof DutError && tlsFault(error.cause, peer)) || error;
  }
  refuseUntrusted(secure, securing);
  return secure;
}

async function dialInClear(address: Address, signal: AbortSignal): Promise<Socket> {
  if (address.kind === "unix") {
    return open({ path: address.path }, address, signal);
  }
  const { host, port } = address;
  if (host !== "" && host !== "localhost") {
    return open({ host, port }, address, signal);
  }
  const failures: unknown[] = [];
  for (const candidate of loopback) {
    try {
      return await open({ host: candidate, port }, address, signal);
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures[0];
}

type Target = { readonly path: string } | { readonly host: string; readonly port: number };

async function open(target: Target, address: Address, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const socket = createConnection({ ...target, noDelay: true, keepAlive: true });
  await settled(socket, "connect", address, signal);
  return socket;
}

/** Waits for the event that says a socket is ready; a socket that is not is destroyed. */
async function settled(socket: Socket, ready: string, address: Address, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onError = (error: Error) => reject(new DutError("unavailable", firstOf(error).message, { cause: error }));
  socket.once(ready, () => resolve());
  socket.on("error", onError);
  await answeredInTime(promise, socket, address, signal);
  socket.off("error", onError);
}

/** Of a name with several addresses the first that failed says enough. */
function firstOf(error: Error): Error {
  return error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
}
