import { lookup } from "node:dns/promises";
import { BlockList, isIP, isIPv4 } from "node:net";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { type Address, formatAddress } from "#pkg/protocol/address.ts";
import { plainAddress } from "#pkg/protocol/source.ts";

/** Ports below are other programs', which a server must not be made to call. */
const lowestPort = 1024;

const wildcards = new Set(["", "0.0.0.0", "::"]);

/** From which addresses agents may register one: networks as `192.0.2.0/24`, with commas between. */
export interface RegistrationPolicy {
  /** As it was written. */
  readonly text: string;
  permits(source: string): boolean;
}

/** Throws invalid_argument. The empty text permits none. */
export function parseRegistrationPolicy(text: string): RegistrationPolicy {
  const networks = new BlockList();
  for (const part of text.split(",").filter((each) => each.trim() !== "")) {
    const [address = "", prefix, ...more] = part.trim().split("/");
    const family = isIP(address);
    const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix);
    if (family === 0 || more.length > 0 || !/^\d+$/.test(prefix ?? "0") || bits > (family === 4 ? 32 : 128)) {
      throw new DutError("invalid_argument", `${quote(part.trim())} is no network`, {
        hint: "write 192.0.2.0/24, with commas between several",
      });
    }
    networks.addSubnet(address, bits, family === 4 ? "ipv4" : "ipv6");
  }
  return {
    text,
    permits: (source) => networks.check(source, isIPv4(source) ? "ipv4" : "ipv6"),
  };
}

/**
 * Where to dial an agent that registers `asked` from `source`, undefined for a unix socket of this machine: back to the
 * source and nowhere else, so that nobody makes the server call third parties; a unix socket for who came over one alone.
 * Throws permission_denied.
 */
export async function registeredTarget(
  asked: Address,
  source: string | undefined,
  policy: RegistrationPolicy,
): Promise<Address> {
  const from = plainAddress(source ?? "127.0.0.1");
  if (!policy.permits(from)) {
    throw new DutError("permission_denied", `agents at ${from} may not register an address here`, {
      hint: "dial in with an agent that can, or start the server with -legacy-register and that network",
    });
  }
  if (asked.kind === "unix") {
    // Who comes over TCP need not be somebody who may open the sockets that this server may.
    if (source !== undefined) {
      throw notTheSource(asked, from);
    }
    return asked;
  }
  if (asked.port < lowestPort) {
    throw new DutError("permission_denied", `agents are not called at ports below ${lowestPort}: ${asked.port}`);
  }
  if (wildcards.has(asked.host)) {
    return { ...asked, host: from };
  }
  const addresses = isIP(asked.host) === 0 ? await addressesOf(asked.host) : [plainAddress(asked.host)];
  const isSource = addresses.some((address) => address === from || (isLoopback(address) && isLoopback(from)));
  if (!isSource) {
    throw notTheSource(asked, from);
  }
  // The address and not the name: that may mean another machine tomorrow.
  return isLoopback(from) ? asked : { ...asked, host: from };
}

function notTheSource(asked: Address, from: string): DutError {
  return new DutError(
    "permission_denied",
    `${formatAddress(asked)} is not where this registration comes from, ${from}`,
    {
      hint: "an agent registers its own address",
    },
  );
}

function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

async function addressesOf(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => plainAddress(address));
  } catch (error) {
    throw new DutError("permission_denied", `${quote(name)} is not known here: ${messageOf(error)}`, { cause: error });
  }
}
