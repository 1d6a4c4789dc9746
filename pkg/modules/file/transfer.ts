import type { Host } from "#pkg/host/host.ts";
import type { Call } from "../module.ts";
import type { FileOptions } from "./options.ts";
import type { Paths } from "./parse-paths.ts";

/** One run: what goes where, and what it is done with. */
export interface Transfer {
  readonly paths: Paths;
  readonly options: FileOptions;
  readonly host: Pick<Host, "files" | "processes">;
  readonly call: Call;
}
