/** A request: what every server takes (draft-ietf-secsh-filexfer-02, 3). */
export const pieceBytes = 32 * 1024;

/** How many are under way at once: together the window of a channel, 2 MiB, which is 100 MB/s at 20 ms. */
export const mostRequests = 64;

/** Cuts bytes of any size into pieces that fit a request. */
export function* cut(bytes: Uint8Array): Generator<Buffer, void, void> {
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    const end = Math.min(start + pieceBytes, bytes.length);
    yield Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
  }
}
