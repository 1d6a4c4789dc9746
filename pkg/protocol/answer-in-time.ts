import type { Socket } from "node:net";
import { DutError } from "#pkg/errors/dut-error.ts";
import { type Address, formatAddress } from "./address.ts";
import { limits } from "./limits.ts";
import { unlessAborted } from "./unless-aborted.ts";

/**
 * Waits for what tells that a peer is there. Throws unavailable when it has not come within limits.connectMs, the signal's
 * reason, and what the answer throws; the socket is destroyed then.
 */
export async function answeredInTime<T>(
  answer: Promise<T>,
  socket: Socket,
  address: Address,
  signal: AbortSignal,
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const patience = setTimeout(() => {
    const seconds = limits.connectMs / 1000;
    reject(new DutError("unavailable", `no answer from ${formatAddress(address)} within ${seconds} s`));
  }, limits.connectMs);
  try {
    return await unlessAborted(Promise.race([answer, late]), signal);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(patience);
  }
}
