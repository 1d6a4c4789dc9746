import type { TlsPaths } from "#pkg/program/tls/tls-flags.ts";
import type { Address } from "#pkg/protocol/address.ts";
import type { RegistrationPolicy } from "./registrations/registration-policy.ts";

/** What a command line of dutserver asks for. */
export interface Options {
  readonly listen: Address;
  /** Accepts a listener that other machines can reach. */
  readonly insecure: boolean;
  readonly tls: TlsPaths;
  /** Where the state is kept; undefined for the place that the environment has for it. */
  readonly state: string | undefined;
  /** A store that several servers share; undefined for one of this server alone, in its state directory. */
  readonly store: string | undefined;
  /** Where the other servers of the lab reach this one; undefined for where it listens. */
  readonly advertise: Address | undefined;
  /** From where agents may register an address. */
  readonly registrations: RegistrationPolicy;
}
