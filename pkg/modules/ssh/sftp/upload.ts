import { posix } from "node:path";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { withProgress } from "#pkg/modules/image-stream/with-progress.ts";
import { findFile } from "./locate.ts";
import { renderRate } from "./rate.ts";
import { openRemoteFile, type RemoteFile } from "./remote-file.ts";
import type { Transfer } from "./transfer.ts";
import { pieceBytes } from "./window.ts";

const hint = "make room there; the old file is as it was";

/** Puts a file of the client's in its place at the server, all of it or nothing. */
export async function upload(transfer: Transfer): Promise<void> {
  const { paths, root, permission, sftp, call } = transfer;
  const { session } = call;
  const { path, stats } = await findFile(sftp, paths.destination, root);
  const source = await session.requestFile(paths.source);
  const { size } = source.attributes;
  await refuseWithoutRoom(transfer, path, size ?? 0);
  const mode = Number.parseInt(permission, 8);
  const file = await openRemoteFile(sftp, path, { mode, isThere: stats !== undefined });
  const since = performance.now();
  try {
    const bytes = await fill(file, withProgress(source, { session, total: size, label: "upload" }), call.signal);
    await session.print(`Upload complete: ${paths.source} -> ${paths.destination} (${renderRate(bytes, since)})\n`);
  } catch (error) {
    const isFull = !call.signal.aborted && (await hasNoRoom(transfer, path, error));
    const left = await discard(file, transfer);
    call.signal.throwIfAborted();
    if (isFull) {
      throw new DutError("resource_exhausted", `no room left in ${posix.dirname(path)} at the server`, {
        hint,
        cause: error,
      });
    }
    throw left && error instanceof DutError
      ? new DutError(error.code, `${error.message}; ${file.temporary} may be left at the server`, { cause: error })
      : error;
  }
}

async function fill(file: RemoteFile, pieces: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  for await (const piece of pieces) {
    signal.throwIfAborted();
    await file.write(piece);
    bytes += piece.length;
  }
  signal.throwIfAborted();
  await file.commit();
  return bytes;
}

/** Whether something may be left, which then stands in the log too. */
async function discard(file: RemoteFile, { call: { log } }: Transfer): Promise<boolean> {
  try {
    await file.discard();
    return false;
  } catch (error) {
    log.warn("half a file may be left at an SSH server", { file: file.temporary, reason: messageOf(error) });
    return true;
  }
}

/** Throws resource_exhausted when the server says that it has not so many bytes. */
async function refuseWithoutRoom({ sftp }: Transfer, path: string, bytes: number): Promise<void> {
  const directory = posix.dirname(path);
  const free = await sftp.freeBytes(directory);
  if (free !== undefined && free < bytes) {
    throw new DutError(
      "resource_exhausted",
      `no room for ${bytes} bytes in ${directory} at the server: ${free} bytes are free`,
      { hint },
    );
  }
}

/** The protocol has no word for a full disk, but a server of OpenSSH can be asked while the half of the file is still there. */
async function hasNoRoom({ sftp, call: { log } }: Transfer, path: string, error: unknown): Promise<boolean> {
  if (!(error instanceof DutError) || error.code !== "aborted") {
    return false;
  }
  try {
    const free = await sftp.freeBytes(posix.dirname(path));
    return free !== undefined && free < pieceBytes;
  } catch (unanswered) {
    log.debug("an SSH server does not say how full it is", { reason: messageOf(unanswered) });
    return false;
  }
}
