import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { ExitStatus, HostProcess } from "#pkg/host/processes.ts";
import type { Call } from "../module.ts";

type Take = (piece: Uint8Array) => Promise<void>;

interface Conducted<Child extends HostProcess> {
  /** What the user calls it, for the error when it does not start. */
  readonly title: string;
  /** Starts the program for as long as the signal is not aborted. */
  start(signal: AbortSignal): Promise<Child>;
  readonly stdout: Take;
  readonly stderr: Take;
  /** Runs beside the program and is disposed at its end. */
  accompany?(child: Child): Disposable;
}

/**
 * Runs a program to its end, hands on what it says while it says it, and passes the user's signals to it. Rejects with
 * the reason of the run's end, or with what a `take` threw, once the program is gone.
 */
export async function conduct<Child extends HostProcess>(call: Call, conducted: Conducted<Child>): Promise<ExitStatus> {
  const { session, signal } = call;
  const unheard = new AbortController();
  const over = AbortSignal.any([signal, unheard.signal]);
  await using child = await conducted.start(over).catch((error: unknown) => {
    signal.throwIfAborted();
    throw notStarted(conducted.title, error);
  });
  using _signals = session.onSignal((name) => child.kill(name));
  using _companion = conducted.accompany?.(child);
  // A command that is stopped is heard to its end. Reading goes on when nobody listens any more, so that it can write
  // in its grace and does not meet SIGPIPE.
  const hand = async (output: AsyncIterable<Uint8Array>, take: Take) => {
    for await (const piece of output) {
      if (!unheard.signal.aborted) {
        await take(piece).catch((error: unknown) => unheard.abort(error));
      }
    }
  };
  const [status] = await Promise.all([
    child.exited,
    hand(child.stdout, conducted.stdout),
    hand(child.stderr, conducted.stderr),
  ]);
  over.throwIfAborted();
  return status;
}

/** Foreign errors of starting a program, in the words of the modules. */
export function notStarted(title: string, error: unknown): DutError {
  const { code, hint } = error instanceof DutError ? error : { code: "internal" as const, hint: undefined };
  const message = `failed to execute ${title}: ${messageOf(error)}`;
  return new DutError(code, message, hint === undefined ? { cause: error } : { hint, cause: error });
}
