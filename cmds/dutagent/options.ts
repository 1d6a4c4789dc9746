import type { TlsPaths } from "#pkg/program/tls/tls-flags.ts";
import type { Address } from "#pkg/protocol/address.ts";

/** What a command line of dutagent asks for. */
export interface Options {
  readonly task: "serve" | "check-config" | "dry-run";
  /** Undefined for nowhere: the agent is reached through its server alone. */
  readonly listen: Address | undefined;
  /** Path of the configuration. */
  readonly config: string;
  /** Where reservations are kept; undefined for the place that the environment has for it. */
  readonly state: string | undefined;
  /** Accepts a listener that other machines can reach. */
  readonly insecure: boolean;
  readonly tls: TlsPaths;
  /** A unix socket where users connect, without whom the agent stops; undefined for an agent that stays. */
  readonly users: string | undefined;
  /** The servers of a lab, to be at one of them; none for an agent by itself. */
  readonly servers: readonly Address[];
  /** What servers call it; undefined for a name made of the computer's. */
  readonly name: string | undefined;
  /** Where probes are answered too; undefined for nowhere else. */
  readonly health: Address | undefined;
  /** How many runs of one user may go on at once. */
  readonly runsPerUser: number;
}
