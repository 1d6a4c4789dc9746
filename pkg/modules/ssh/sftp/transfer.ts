import type { Call } from "#pkg/modules/module.ts";
import type { SshOptions } from "../options.ts";
import type { Paths } from "./parse-paths.ts";
import type { SftpSession } from "./sftp-session.ts";

/** One run: what goes where, and who carries it. */
export interface Transfer {
  readonly paths: Paths;
  readonly permission: SshOptions["permission"];
  readonly root?: SshOptions["root"];
  readonly sftp: SftpSession;
  readonly call: Call;
}
