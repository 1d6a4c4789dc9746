import type { Session } from "./session.ts";

/** Often enough for a bar that moves, and a message for many times its own size. */
const reportEveryBytes = 1024 * 1024;

interface Told {
  readonly session: Pick<Session, "progress">;
  /** In bytes; undefined when it is not known before the end. */
  readonly total: number | undefined;
  readonly label: string;
}

/** The same pieces; the user is told how many bytes have gone through, now and then and at the end. */
export async function* withProgress(
  pieces: AsyncIterable<Uint8Array>,
  { session, total, label }: Told,
): AsyncGenerator<Uint8Array, void, void> {
  let done = 0;
  let told = 0;
  const tell = async () => {
    told = done;
    await session.progress({ done, total, unit: "bytes", label });
  };
  for await (const piece of pieces) {
    yield piece;
    done += piece.length;
    if (done - told >= reportEveryBytes) {
      await tell();
    }
  }
  if (done > told) {
    await tell();
  }
}
