import type { Address } from "#pkg/protocol/address.ts";

/** What a command line of dutagent asks for. */
export interface Options {
  readonly task: "serve" | "check-config" | "dry-run";
  readonly listen: Address;
  /** Path of the configuration. */
  readonly config: string;
  /** Where reservations are kept; undefined for the place that the environment has for it. */
  readonly state: string | undefined;
  /** Accepts a listener that other machines can reach. */
  readonly insecure: boolean;
  /** A unix socket where users connect, without whom the agent stops; undefined for an agent that stays. */
  readonly users: string | undefined;
  /** Where probes are answered too; undefined for nowhere else. */
  readonly health: Address | undefined;
  /** How many runs of one user may go on at once. */
  readonly runsPerUser: number;
  /** The server to register with. */
  readonly server: Address | undefined;
}
