import { posix } from "node:path";
import type { Stats } from "ssh2";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { SftpSession } from "./sftp-session.ts";

/**
 * Where at the server a path is. Without a root it is what the server makes of it: a relative one starts in the directory
 * that the user logs in to. With one it starts there and leads nowhere else, also not by a link on its way: a server that
 * swaps folders for links meanwhile is not held up. Throws invalid_argument, permission_denied and not_found.
 */
async function locate(sftp: SftpSession, path: string, root: string | undefined): Promise<string> {
  if (root === undefined) {
    return path;
  }
  const clean = posix.normalize(path);
  if (posix.isAbsolute(clean) || clean === ".." || clean.startsWith("../")) {
    throw new DutError("invalid_argument", `${quote(path)} does not stay where this command may go`, {
      hint: "give a path that starts at the root of this command",
    });
  }
  const base = await sftp.realPath(root);
  const folder = await sftp.realPath(posix.join(base, posix.dirname(clean)));
  if (folder !== base && !folder.startsWith(base === "/" ? "/" : `${base}/`)) {
    throw new DutError("permission_denied", `${quote(path)} leads out of where this command may go`, {
      hint: "a directory on its way is a symbolic link",
    });
  }
  return posix.join(folder, posix.basename(clean));
}

interface Found {
  /** As the server knows it. */
  readonly path: string;
  /** Undefined when there is nothing. */
  readonly stats: Stats | undefined;
}

/**
 * A file at the server, or the place for one. Without a root a symbolic link stands for what it leads to. Throws
 * failed_precondition for what is there and is no regular file, and as `locate`.
 */
export async function findFile(sftp: SftpSession, named: string, root: string | undefined): Promise<Found> {
  const path = await locate(sftp, named, root);
  const stats = await sftp.look(path);
  if (stats?.isSymbolicLink()) {
    if (root === undefined) {
      return await findFile(sftp, (await sftp.realPath(path)).slice(1), "/");
    }
    throw new DutError("failed_precondition", `${quote(named)} is a symbolic link, and none is followed`, {
      hint: "name the place that it leads to",
    });
  }
  if (stats !== undefined && !stats.isFile()) {
    throw new DutError("failed_precondition", `${quote(named)} is there and is not a file`, {
      hint: stats.isDirectory() ? "name the file in that directory" : "devices and the like are not replaced or read",
    });
  }
  return { path, stats };
}
