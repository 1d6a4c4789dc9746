import { createConnection, type Socket } from "node:net";
import { DutError } from "#pkg/errors/dut-error.ts";
import { type Address, formatAddress } from "./address.ts";
import { limits } from "./limits.ts";

/**
 * This machine's own addresses, in the order that the existing programs listen on. Named here (RFC 6761, section 6.3)
 * because Node takes 5 ms to find out that a name is no address, a tenth of what `dutctl list` takes.
 */
const loopback = ["127.0.0.1", "::1"];

/** Opens a connection. Throws unavailable when there is none within limits.connectMs, and the signal's reason. */
export async function dial(address: Address, signal: AbortSignal): Promise<Socket> {
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
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const seconds = limits.connectMs / 1000;
  const patience = setTimeout(() => {
    reject(new DutError("unavailable", `no answer from ${formatAddress(address)} within ${seconds} s`));
  }, limits.connectMs);
  const onAbort = () => reject(signal.reason);
  const onError = (error: Error) => reject(new DutError("unavailable", firstOf(error).message, { cause: error }));
  signal.addEventListener("abort", onAbort);
  socket.once("connect", () => resolve());
  socket.on("error", onError);
  try {
    await promise;
    socket.off("error", onError);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(patience);
    signal.removeEventListener("abort", onAbort);
  }
}

/** Of a name with several addresses the first that failed says enough. */
function firstOf(error: Error): Error {
  return error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
}
