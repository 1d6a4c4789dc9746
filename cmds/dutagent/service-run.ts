import type { MessageInitShape } from "@bufbuild/protobuf";
import { DutError, type DutErrorCode } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Log } from "#pkg/log/log.ts";
import { dutErrorFrom } from "#pkg/protocol/fault.ts";
import type { Command, RunRequest, RunResponseSchema } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import type { Caller } from "#pkg/protocol/headers.ts";
import { limits } from "#pkg/protocol/limits.ts";
import type { RunEvent } from "#pkg/session/conversation.ts";
import type { Run } from "#pkg/session/run.ts";
import type { RunEngine } from "#pkg/session/run-engine.ts";

type Response = MessageInitShape<typeof RunResponseSchema>;

/** A message that cannot be read, is larger than it may be, or comes when it is not wanted. */
const unfitCodes: ReadonlySet<DutErrorCode> = new Set(["invalid_argument", "resource_exhausted"]);

export interface RunCall {
  readonly requests: AsyncIterable<RunRequest>;
  readonly caller: Caller;
  /** Aborted when the client is gone or its deadline has passed, with the reason. */
  readonly signal: AbortSignal;
}

/**
 * DeviceService.Run: one run of the engine in the messages of protocol v1. Everything the run said is sent before its
 * outcome is thrown.
 */
export async function* serveRun(engine: RunEngine, call: RunCall, log: Log): AsyncGenerator<Response> {
  const { signal } = call;
  const messages = call.requests[Symbol.asyncIterator]();
  const { device, command, args } = await receiveCommand(messages, signal);
  const run = engine.start({ device, command, args, owner: call.caller.name });
  let refusal: DutError | undefined;
  const leave = () => {
    const reason = refusal ?? goneReason(signal);
    run.stop(reason);
    run.conversation.abandon(reason);
  };
  // A message that is refused closes the request as a client that goes does; the refusal comes in the same turn.
  const clientGone = () => void setImmediate(leave);
  signal.addEventListener("abort", clientGone);
  try {
    void feed(run, messages, log).then((error) => {
      refusal = error;
    });
    for await (const event of run.conversation.events) {
      yield await responseOf(event);
    }
  } finally {
    signal.removeEventListener("abort", clientGone);
    // A client that stopped taking answers is gone; for a run that has ended by itself this changes nothing.
    run.stop(new DutError("canceled", "module execution aborted: the client left"));
    run.conversation.abandon(new DutError("canceled", "the client left"));
  }
}

async function receiveCommand(messages: AsyncIterator<RunRequest>, signal: AbortSignal): Promise<Command> {
  const first = await messages.next().catch((error: unknown) => {
    throw signal.aborted ? goneReason(signal) : dutErrorFrom(error);
  });
  if (first.done === true || first.value.msg.case !== "command") {
    throw new DutError("invalid_argument", "first run request must contain a command");
  }
  return first.value.msg.value;
}

/** Passes what the client sends to the run until either ends. A message that does not fit ends the run and is the result. */
async function feed(run: Run, messages: AsyncIterator<RunRequest>, log: Log): Promise<DutError | undefined> {
  const { conversation } = run;
  try {
    for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
      const { msg } = next.value;
      if (msg.case === "console" && msg.value.data.case === "stdin") {
        await conversation.input(msg.value.data.value);
      } else if (msg.case === "file") {
        conversation.file(msg.value.path, msg.value.content);
      } else {
        log.warn("unexpected message from client ignored", { message: msg.case ?? "empty" });
      }
    }
  } catch (error) {
    const refusal = unfit(error);
    if (refusal !== undefined) {
      run.stop(refusal);
      return refusal;
    }
    // A broken stream ends the run through the call's signal.
  }
  conversation.endOfInput();
  return undefined;
}

/** What is wrong with a message, undefined when it is the stream that broke. */
function unfit(error: unknown): DutError | undefined {
  const fault = dutErrorFrom(error);
  return unfitCodes.has(fault.code) ? fault : undefined;
}

async function responseOf(event: RunEvent): Promise<Response> {
  switch (event.kind) {
    case "print":
      return { msg: { case: "print", value: { text: event.bytes } } };
    case "stdout":
    case "stderr":
      return { msg: { case: "console", value: { data: { case: event.kind, value: event.bytes } } } };
    case "file-request":
      return { msg: { case: "fileRequest", value: { path: event.name } } };
    case "file":
      return {
        msg: { case: "file", value: { path: event.name, content: await wholeFile(event.name, event.content) } },
      };
  }
}

/** Protocol v1 carries a file in one message. Throws resource_exhausted for one that does not fit. */
async function wholeFile(name: string, content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const room = limits.fileMessageBytes - limits.messageBytes;
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of content) {
    pieces.push(piece);
    size += piece.length;
    if (size > room) {
      throw new DutError("resource_exhausted", `file ${quote(name)} is larger than ${room} bytes`);
    }
  }
  return Buffer.concat(pieces, size);
}

function goneReason(signal: AbortSignal): DutError {
  return dutErrorFrom(signal.reason).code === "deadline_exceeded"
    ? new DutError("deadline_exceeded", "module execution aborted: context deadline exceeded")
    : new DutError("canceled", "module execution aborted: context canceled");
}
