import type { Session } from "../session.ts";
import { steps } from "./steps.ts";

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
  const counted = steps((done) => session.progress({ done, total, unit: "bytes", label }));
  for await (const piece of pieces) {
    yield piece;
    await counted.add(piece.length);
  }
  await counted.finish();
}
