import type { Log } from "#pkg/log/log.ts";
import type { Connection } from "#pkg/protocol/client.ts";
import type { Output } from "../output/output.ts";
import type { World } from "../world.ts";

/** What every command that talks to an agent is given. */
export interface Context {
  readonly devices: Connection["devices"];
  /** The address as shown to the user. */
  readonly server: string;
  readonly out: Output;
  readonly log: Log;
  readonly world: World;
}
