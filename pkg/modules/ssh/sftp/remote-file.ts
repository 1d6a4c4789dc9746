import { randomBytes } from "node:crypto";
import { posix } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { SftpSession } from "./sftp-session.ts";
import { cut, mostRequests } from "./window.ts";

/** The next content of a file at the server, in a hidden file beside it: to be committed or discarded. */
export interface RemoteFile {
  readonly temporary: string;
  /** Appends, with many requests under way; a failure is thrown by a later call. */
  write(bytes: Uint8Array): Promise<void>;
  /** Puts the content in the place of the old file once all of it is there. */
  commit(): Promise<void>;
  /** Removes what was written, harmless after `commit`. Throws when it may be left. */
  discard(): Promise<void>;
}

/** Begins the content of a file, which gets these permission bits whatever the user's umask at the server. */
export async function openRemoteFile(
  sftp: SftpSession,
  path: string,
  { mode, isThere }: { readonly mode: number; readonly isThere: boolean },
): Promise<RemoteFile> {
  const temporary = posix.join(posix.dirname(path), `.dutctl-${randomBytes(6).toString("hex")}.new`);
  const handle = await sftp.open(temporary, "wx", { mode: 0o600 });
  const requests: Promise<void>[] = [];
  let position = 0;
  let state: "open" | "closed" | "over" = "open";
  const write = async (piece: Buffer) => {
    const request = sftp.write(path, handle, piece, position);
    position += piece.length;
    // Its failure is thrown when its turn comes.
    request.catch(() => {});
    requests.push(request);
    if (requests.length >= mostRequests) {
      await requests.shift();
    }
  };
  const close = async () => {
    state = "closed";
    await sftp.close(path, handle);
  };
  return {
    temporary,
    async write(bytes) {
      for (const piece of cut(bytes)) {
        await write(piece);
      }
    },
    async commit() {
      await Promise.all(requests);
      await sftp.setMode(path, handle, mode);
      await sftp.sync(path, handle);
      const { size } = await sftp.stat(path, handle);
      if (size !== position) {
        throw new DutError("data_loss", `${path} has ${size} bytes at the server, and ${position} were sent`);
      }
      await close();
      await sftp.replace(temporary, path, isThere);
      state = "over";
    },
    async discard() {
      if (state === "over") {
        return;
      }
      await Promise.allSettled(requests);
      if (state === "open") {
        await close();
      }
      state = "over";
      await sftp.remove(temporary);
    },
  };
}
