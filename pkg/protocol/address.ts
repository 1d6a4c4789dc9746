import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";

/** Where a program listens or is reached. */
export type Address =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** The port of an address that names none. */
const defaultPort = 1024;

/**
 * Reads `host:port`, `host`, `:port`, `[::1]:port` or `unix:/path`. An empty host is the wildcard of a listener and
 * localhost for a client. Throws invalid_argument.
 */
export function parseAddress(text: string): Address {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    if (!path.startsWith("/")) {
      throw invalid(text, "the path of a unix socket starts with /");
    }
    return { kind: "unix", path };
  }
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]/\s]*))(?::(\d+))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || (host === "" && port === undefined)) {
    throw invalid(text, "write host:port, [IPv6]:port or unix:/path");
  }
  if (port !== undefined && Number(port) > 65535) {
    throw invalid(text, "a port is at most 65535");
  }
  return { kind: "tcp", host, port: port === undefined ? defaultPort : Number(port) };
}

/** The form that parseAddress reads. */
export function formatAddress(address: Address): string {
  if (address.kind === "unix") {
    return `unix:${address.path}`;
  }
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}

function invalid(text: string, hint: string): DutError {
  return new DutError("invalid_argument", `invalid address ${quote(text)}`, { hint });
}
