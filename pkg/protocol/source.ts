import { isIP } from "node:net";

/** Who is behind a connection as far as limits care. */
export interface Source {
  /** An IPv4 address, the first 64 bits of an IPv6 address, or `here`. */
  readonly name: string;
  /** This machine: many users may share it. */
  readonly here: boolean;
}

const here: Source = { name: "here", here: true };

/** An address as people write it: what is IPv4 in IPv6 is IPv4. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

/** The source of a connection from an address; without an address it came over a unix socket. */
export function sourceOf(address: string | undefined): Source {
  const plain = address === undefined ? undefined : plainAddress(address).replace(/%.*$/, "");
  if (plain === undefined || plain === "::1" || /^127\./.test(plain)) {
    return here;
  }
  return { name: isIP(plain) === 6 ? `${networkOf(plain)}::/64` : plain, here: false };
}

/** The first four groups, without leading zeros. */
function networkOf(address: string): string {
  const [before = "", after] = address.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const [head, tail] = [groups(before), groups(after ?? "")];
  const missing = after === undefined ? 0 : 8 - head.length - tail.length;
  return [...head, ...Array.from({ length: missing }, () => "0"), ...tail]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
