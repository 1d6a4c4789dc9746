import type { Disks } from "./disks.ts";
import type { Files } from "./files.ts";
import type { Http } from "./http.ts";
import type { Processes } from "./processes.ts";
import type { Ptys } from "./ptys.ts";
import type { SerialPorts } from "./serial-ports.ts";
import type { Sockets } from "./sockets.ts";

/** The computer that an agent runs on, as modules see it. Everything below this line is memory in unit tests. */
export interface Host {
  readonly processes: Processes;
  readonly serialPorts: SerialPorts;
  readonly ptys: Ptys;
  readonly files: Files;
  readonly sockets: Sockets;
  readonly http: Http;
  readonly disks: Disks;
  /** What this program was started with. */
  readonly env: Readonly<Record<string, string | undefined>>;
}
