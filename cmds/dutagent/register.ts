import { DutError } from "#pkg/errors/dut-error.ts";
import { type Address, formatAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { dial } from "#pkg/protocol/dial.ts";
import { dutErrorFrom } from "#pkg/protocol/fault.ts";

const registerMs = 10_000;

/**
 * Tells a server which devices are to be had at an address. Throws unavailable when the server cannot be reached, or
 * the server's own refusal.
 */
export async function register(server: Address, devices: readonly string[], own: Address): Promise<void> {
  using connection = connectTo(server, { identity: undefined });
  try {
    const address = formatAddress(await reachable(own, server));
    await connection.relay.register({ devices: Array.from(devices).sort(), address }, { timeoutMs: registerMs });
  } catch (error) {
    const fault = dutErrorFrom(error);
    throw new DutError(fault.code, `registering with dutserver at ${formatAddress(server)}: ${fault.message}`, {
      cause: error,
    });
  }
}

/** A listener on every address of the machine is reached by the one that leads to the server. */
async function reachable(own: Address, server: Address): Promise<Address> {
  if (own.kind === "unix" || server.kind === "unix" || !["", "0.0.0.0", "::"].includes(own.host)) {
    return own;
  }
  const socket = await dial(server, AbortSignal.timeout(registerMs));
  const host = socket.localAddress ?? own.host;
  socket.destroy();
  return { ...own, host };
}
