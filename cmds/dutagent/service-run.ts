import type { MessageInitShape } from "@bufbuild/protobuf";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { sparing } from "#pkg/log/sparing.ts";
import { dutErrorFrom } from "#pkg/protocol/fault.ts";
import type { Command, RunRequest, RunResponseSchema } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { limits } from "#pkg/protocol/limits.ts";
import type { CallStream } from "#pkg/protocol/rpc-handler.ts";
import type { Attachment } from "#pkg/session/attachment.ts";
import type { Run } from "#pkg/session/run.ts";
import type { RunEngine } from "#pkg/session/run-engine.ts";
import type { RunEvent } from "#pkg/session/run-event.ts";
import type { FileMemory } from "./file-memory.ts";
import { breakingOff, endedInOrder, goneReason, type RunCall, unfit } from "./run-call.ts";
import { WholeFiles } from "./whole-files.ts";

/** The existing programs take any that fit into the first message, and users give them scripts. */
const argumentLimits = { count: Number.POSITIVE_INFINITY, bytes: limits.messageBytes };

type Response = MessageInitShape<typeof RunResponseSchema>;

/** What the runs of protocol v1 share. */
export interface Running {
  readonly engine: RunEngine;
  readonly memory: FileMemory;
  readonly log: Log;
}

/**
 * DeviceService.Run: one run of the engine in the messages of protocol v1. Everything the run said is sent before its
 * outcome is thrown. What the transport has accepted counts as taken.
 */
export async function* serveRun({ engine, memory, log }: Running, call: RunCall<RunRequest>): AsyncGenerator<Response> {
  const { signal } = call;
  const messages = call.requests[Symbol.asyncIterator]();
  const { device, command, args } = await receiveCommand(messages, signal);
  const { name: owner, kind } = call.caller;
  const client = engine.start({ device, command, args, owner, anonymous: kind === "anonymous", argumentLimits });
  using _ = breakingOff(client, call);
  const { run } = client;
  let refusal: DutError | undefined;
  // A message that is refused closes the request as a client that goes does; the refusal comes in the same turn.
  const clientGone = () => void setImmediate(() => client.lose(refusal ?? goneReason(signal)));
  signal.addEventListener("abort", clientGone);
  using files = new WholeFiles({ room: limits.fileMessageBytes - limits.messageBytes, memory, signal });
  try {
    void feed(client, { messages, memory, stream: call.stream }, sparing(log.with({ device, run: run.facts.id }))).then(
      (error) => {
        refusal = error;
      },
    );
    for (let said = await client.next(); said !== undefined; said = await client.next()) {
      if (said.kind !== "entry") {
        continue;
      }
      const { event, offset, length } = said.entry;
      if (event.kind === "end") {
        client.acknowledge();
        const error = event.outcome.error ?? files.problem;
        if (error !== undefined) {
          throw error;
        }
        return;
      }
      const response = await responseOf(event, files);
      if (response !== undefined) {
        yield response;
        files.sent();
      }
      if (files.problem !== undefined) {
        run.stop(files.problem);
      }
      client.take(offset + length);
    }
  } finally {
    signal.removeEventListener("abort", clientGone);
    // A client that stopped taking answers is gone; for a run that has ended by itself this changes nothing.
    client.lose(refusal ?? new DutError("canceled", "module execution aborted: the client left"));
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

/** What a client says, and where its files are counted. */
interface Incoming {
  readonly messages: AsyncIterator<RunRequest>;
  readonly memory: FileMemory;
  readonly stream: CallStream;
}

/** A file that has come is in memory until its module has read it. */
function keepUntilRead(run: Run, memory: FileMemory, bytes: number): void {
  if (bytes > limits.messageBytes) {
    const kept = memory.keep(bytes);
    void Promise.race([run.conversation.upload?.finished, run.stopped]).then(() => kept[Symbol.dispose]());
  }
}

/** Passes what the client sends to the run until either ends. A message that does not fit ends the run and is the result. */
async function feed(
  { run }: Attachment,
  { messages, memory, stream }: Incoming,
  log: Log,
): Promise<DutError | undefined> {
  const { conversation } = run;
  try {
    for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
      const { msg } = next.value;
      if (msg.case === "console" && msg.value.data.case === "stdin") {
        await conversation.typed(msg.value.data.value);
      } else if (msg.case === "file") {
        conversation.file(msg.value.path, msg.value.content);
        keepUntilRead(run, memory, msg.value.content.length);
      } else {
        log.warn("unexpected message from client ignored", { message: msg.case ?? "empty" });
      }
    }
  } catch (error) {
    const refusal = unfit(error);
    if (refusal !== undefined) {
      run.stop(refusal);
    }
    return refusal;
  }
  // A broken stream ends the run through the call's signal; it is not the end of the input.
  if (await endedInOrder(stream, run)) {
    conversation.endOfInput();
    conversation.endOfFiles();
  }
  return undefined;
}

/** Undefined for what the protocol has no word for. */
async function responseOf(event: Exclude<RunEvent, { kind: "end" }>, files: WholeFiles): Promise<Response | undefined> {
  switch (event.kind) {
    case "print":
      return { msg: { case: "print", value: { text: event.bytes } } };
    case "stdout":
    case "stderr":
      return { msg: { case: "console", value: { data: { case: event.kind, value: event.bytes } } } };
    case "notice": {
      const value = Buffer.from(`dutagent: ${event.text}\n`);
      return { msg: { case: "console", value: { data: { case: "stderr", value } } } };
    }
    case "file-request":
      return { msg: { case: "fileRequest", value: { path: event.name } } };
    case "file-head":
      await files.begin(event);
      return undefined;
    case "file-chunk":
      await files.add(event);
      return undefined;
    case "file-end": {
      const file = files.end(event.transfer);
      return file && { msg: { case: "file", value: { path: file.name, content: file.content } } };
    }
    case "progress":
    case "raw-mode":
      return undefined;
  }
}
