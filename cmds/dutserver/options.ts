import type { Address } from "#pkg/protocol/address.ts";
import type { RunLimits } from "./run-budget.ts";

/** What a command line of dutserver asks for. */
export interface Options {
  readonly listen: Address;
  /** Accepts a listener that other machines can reach. */
  readonly insecure: boolean;
  /** Where probes are answered too; undefined for nowhere else. */
  readonly health: Address | undefined;
  readonly runLimits: RunLimits;
}
