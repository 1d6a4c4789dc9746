import type { TlsPaths } from "#pkg/program/tls/tls-flags.ts";
import type { Address } from "#pkg/protocol/address.ts";
import type { StoreSpec } from "#pkg/store/store-spec.ts";
import type { RegistrationPolicy } from "./registrations/registration-policy.ts";
import type { RunLimits } from "./run-budget.ts";

/** What a command line of dutserver asks for. */
export interface Options {
  readonly listen: Address;
  /** Accepts a listener that other machines can reach. */
  readonly insecure: boolean;
  /** Where what the server knows is kept, in an environment. Throws invalid_argument. */
  readonly store: (env: Readonly<Record<string, string | undefined>>) => StoreSpec;
  readonly tls: TlsPaths;
  /** Where the other servers of the lab reach this one; undefined for where it listens. */
  readonly advertise: Address | undefined;
  /** From where agents may register an address. */
  readonly registrations: RegistrationPolicy;
  /** Where probes are answered too; undefined for nowhere else. */
  readonly health: Address | undefined;
  readonly runLimits: RunLimits;
}
