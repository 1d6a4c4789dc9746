import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { withProgress } from "#pkg/modules/image-stream/with-progress.ts";
import { findFile } from "./locate.ts";
import { renderRate } from "./rate.ts";
import type { SftpSession } from "./sftp-session.ts";
import type { Transfer } from "./transfer.ts";
import { mostRequests, pieceBytes } from "./window.ts";

/** Gives the client a file of the server's, as long as it was when it was opened. */
export async function download({ paths, root, sftp, call: { session, log } }: Transfer): Promise<void> {
  const { path, stats } = await findFile(sftp, paths.source, root);
  if (stats === undefined) {
    throw new DutError("not_found", `there is no file ${quote(paths.source)} at the server`);
  }
  const handle = await sftp.open(path, "r");
  try {
    const { size, mode } = await sftp.stat(path, handle);
    // What the kernel makes up, as below /proc, says that it has no bytes.
    const content = size === 0 ? toEnd(sftp, path, handle) : ahead(sftp, path, handle, size);
    const since = performance.now();
    let bytes = 0;
    async function* counted() {
      for await (const piece of withProgress(content, { session, total: size || undefined, label: "download" })) {
        bytes += piece.length;
        yield piece;
      }
    }
    await session.sendFile(paths.destination, counted(), { size: size || undefined, mode: mode & 0o7777 });
    await session.print(`Download complete: ${paths.source} -> ${paths.destination} (${renderRate(bytes, since)})\n`);
  } finally {
    await sftp
      .close(path, handle)
      .catch((error: unknown) => log.debug("an SSH server did not close a file", { reason: messageOf(error) }));
  }
}

/** So many bytes, with many requests under way. */
async function* ahead(sftp: SftpSession, path: string, handle: Buffer, size: number) {
  const requests: Promise<Buffer>[] = [];
  for (let asked = 0; asked < size || requests.length > 0; ) {
    while (asked < size && requests.length < mostRequests) {
      const length = Math.min(pieceBytes, size - asked);
      const request = whole(sftp, path, handle, asked, length);
      // Its failure is thrown when its turn comes.
      request.catch(() => {});
      requests.push(request);
      asked += length;
    }
    yield await (requests.shift() as Promise<Buffer>);
  }
}

async function whole(sftp: SftpSession, path: string, handle: Buffer, position: number, length: number) {
  const pieces: Buffer[] = [];
  for (let done = 0; done < length; ) {
    const piece = await sftp.read(path, handle, length - done, position + done);
    if (piece.length === 0) {
      throw new DutError("data_loss", `${path} became shorter while it was read`);
    }
    pieces.push(piece);
    done += piece.length;
  }
  return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
}

async function* toEnd(sftp: SftpSession, path: string, handle: Buffer) {
  for (let position = 0; ; ) {
    const piece = await sftp.read(path, handle, pieceBytes, position);
    if (piece.length === 0) {
      return;
    }
    position += piece.length;
    yield piece;
  }
}
