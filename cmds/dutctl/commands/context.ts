import type { Log } from "#pkg/log/log.ts";
import type { Connection } from "#pkg/protocol/client.ts";
import type { Options } from "../options.ts";
import type { Output } from "../output/output.ts";
import type { Subject } from "../output/subject.ts";
import type { World } from "../world.ts";

/** What every command that talks to an agent is given. */
export interface Context {
  /** Opens a new session by itself when the last one was lost. */
  readonly connection: Connection;
  readonly devices: Connection["devices"];
  /** The address as shown to the user. */
  readonly server: string;
  readonly options: Options;
  /** Who the caller is to other users. */
  readonly identity: string;
  readonly out: Output;
  /** What is said through `out` belongs to it. */
  readonly subject: Subject;
  readonly log: Log;
  /** Its signal is aborted when the user wants to stop, and when the time of -timeout is over. */
  readonly world: World;
}
