import { setTimeout as wait } from "node:timers/promises";
import { DutError, type DutErrorCode } from "#pkg/errors/dut-error.ts";
import { dutErrorFrom } from "#pkg/protocol/fault.ts";
import type { Caller } from "#pkg/protocol/headers.ts";
import type { CallStream } from "#pkg/protocol/rpc-handler.ts";
import type { Attachment } from "#pkg/session/attachment.ts";
import type { Run } from "#pkg/session/run.ts";

/** A call that starts or takes up a run, in either protocol. */
export interface RunCall<Request> {
  readonly requests: AsyncIterable<Request>;
  readonly caller: Caller;
  /** Aborted when the client is gone or its deadline has passed, with the reason. */
  readonly signal: AbortSignal;
  readonly stream: CallStream;
}

/** How long a client that a run has let go of may take to hear why, in milliseconds. */
const lastWordsMs = 5_000;

/** Breaks a call off when its client does not hear that the run has let go of it. Disposed when it has. */
export function breakingOff({ over }: Attachment, { stream }: Pick<RunCall<unknown>, "stream">): Disposable {
  let timer: NodeJS.Timeout | undefined;
  let disposed = false;
  void over.then(() => {
    timer = disposed ? undefined : setTimeout(() => stream.breakOff(), lastWordsMs);
  });
  return {
    [Symbol.dispose]() {
      disposed = true;
      clearTimeout(timer);
    },
  };
}

/** How long after a client's half has ended it may turn out that its stream was reset, in milliseconds. */
const resetMs = 20;

/**
 * Whether a client whose messages have ended has meant to end them. Node, in a client and in a server between, ends its
 * half of a stream right before it resets it; a run that goes on must not take that for the end of the input.
 */
export async function endedInOrder(stream: CallStream, run: Run): Promise<boolean> {
  if (!stream.broken && run.outcome === undefined) {
    await wait(resetMs);
  }
  return !stream.broken;
}

/** A message that cannot be read, is larger than it may be, or comes when it is not wanted. */
const unfitCodes: ReadonlySet<DutErrorCode> = new Set(["invalid_argument", "resource_exhausted"]);

/** What is wrong with a message, undefined when it is the stream that broke. */
export function unfit(error: unknown): DutError | undefined {
  const fault = dutErrorFrom(error);
  return unfitCodes.has(fault.code) ? fault : undefined;
}

/** Why a run ends whose client gave it a time that is over. */
export function deadlineOver(): DutError {
  return new DutError("deadline_exceeded", "module execution aborted: context deadline exceeded");
}

/** Why a run ends whose client is gone, by the signal of its call. */
export function goneReason(signal: AbortSignal): DutError {
  return dutErrorFrom(signal.reason).code === "deadline_exceeded"
    ? deadlineOver()
    : new DutError("canceled", "module execution aborted: context canceled");
}
