import type { TlsPaths } from "#pkg/program/tls/tls-flags.ts";
import type { Address } from "#pkg/protocol/address.ts";

/** What a command line of dutserver asks for. */
export interface Options {
  readonly listen: Address;
  /** Accepts a listener that other machines can reach. */
  readonly insecure: boolean;
  readonly tls: TlsPaths;
}
