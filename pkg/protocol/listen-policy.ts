import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { type Address, formatAddress } from "./address.ts";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

export interface Protection {
  /** The risk is explicitly accepted. */
  readonly insecure: boolean;
  /** TLS, and only for clients with a certificate. */
  readonly guarded: boolean;
}

/**
 * Throws permission_denied for an address that other machines reach, unless clients need certificates or that is
 * explicitly wanted: whoever reaches the port runs shell commands and reads and writes files with the rights of the
 * program. Throws invalid_argument for a name that cannot be resolved.
 */
export async function refuseOpenListener(address: Address, { insecure, guarded }: Protection): Promise<void> {
  if (insecure || guarded || address.kind === "unix" || (await isLoopback(address.host))) {
    return;
  }
  throw new DutError(
    "permission_denied",
    `refusing to listen on ${formatAddress(address)}: without encryption and authentication everybody who reaches this address runs commands on this machine`,
    {
      hint: "protect it with -tls-cert, -tls-key and -tls-client-ca, listen on localhost or unix:/path, or accept the risk with -insecure",
    },
  );
}

async function isLoopback(host: string): Promise<boolean> {
  if (host === "" || host === "localhost") {
    return host === "localhost";
  }
  const addresses = isIP(host) === 0 ? await addressesOf(host) : [host];
  return addresses.every((address) => loopback.check(address, isIP(address) === 6 ? "ipv6" : "ipv4"));
}

async function addressesOf(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw new DutError("invalid_argument", `${name} is not a name of this machine: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
