import type { MessageInitShape } from "@bufbuild/protobuf";
import type { EndSchema, RunInfoSchema, RunResponseSchema } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import type { Said } from "#pkg/session/attachment.ts";
import { inputWindow } from "#pkg/session/console-input.ts";
import type { Run } from "#pkg/session/run.ts";
import type { Outcome, RunEvent } from "#pkg/session/run-event.ts";
import { fileWindow } from "#pkg/session/upload.ts";

/** What a list of runs says of the arguments of one, in characters: all runs together have to fit into a message. */
const listedArgs = 400;

export type Response = MessageInitShape<typeof RunResponseSchema>;

/** That the run is there, and where the client's own input and file stand. */
export function startedOf({ facts, conversation: { stdin, upload } }: Run): Response {
  const coming = upload !== undefined && !upload.over;
  return {
    msg: {
      case: "started",
      value: {
        runId: facts.id,
        command: facts.command,
        args: [...facts.args],
        inputOffset: BigInt(stdin.arrived),
        inputEnded: stdin.ended,
        inputWindow: BigInt(inputWindow),
        fileWindow: BigInt(fileWindow),
        ...(coming ? { file: { transfer: upload.transfer, offset: BigInt(upload.arrived) } } : {}),
      },
    },
  };
}

export function responseOf(said: Said): Response {
  switch (said.kind) {
    case "entry":
      return { offset: BigInt(said.entry.offset), msg: messageOf(said.entry.event) };
    case "input-taken":
      return { msg: { case: "inputTaken", value: { offset: BigInt(said.offset) } } };
    case "file-taken":
      return { msg: { case: "fileTaken", value: { transfer: said.transfer, offset: BigInt(said.offset) } } };
  }
}

function messageOf(event: RunEvent): NonNullable<Response["msg"]> {
  switch (event.kind) {
    case "print":
    case "stdout":
    case "stderr":
      return { case: event.kind, value: event.bytes };
    case "notice":
      return { case: "notice", value: event.text };
    case "progress": {
      const { total, ...rest } = event.progress;
      return { case: "progress", value: total === undefined ? rest : { ...rest, total } };
    }
    case "raw-mode":
      return { case: "rawMode", value: { on: event.on } };
    case "file-request":
      return { case: "fileRequest", value: { transfer: event.transfer, name: event.name } };
    case "file-head": {
      const { size, mode } = event.attributes;
      return {
        case: "fileHead",
        value: {
          transfer: event.transfer,
          name: event.name,
          ...(size === undefined ? {} : { size: BigInt(size) }),
          ...(mode === undefined ? {} : { mode }),
        },
      };
    }
    case "file-chunk":
      return {
        case: "fileChunk",
        value: { transfer: event.transfer, offset: BigInt(event.start), data: event.bytes },
      };
    case "file-end":
      return {
        case: "fileEnd",
        value: { transfer: event.transfer, size: BigInt(event.size), sha256: event.sha256 },
      };
    case "end":
      return { case: "end", value: endOf(event.outcome) };
  }
}

export function runInfoOf(run: Run): MessageInitShape<typeof RunInfoSchema> {
  const { facts, outcome } = run;
  return {
    runId: facts.id,
    device: facts.device,
    command: facts.command,
    args: shortened(facts.args),
    owner: facts.owner,
    sinceMs: BigInt(facts.since),
    attached: run.client !== undefined && outcome === undefined,
    graceUntilMs: BigInt(run.graceUntil),
    offset: BigInt(run.conversation.journal.end),
    ...(outcome === undefined ? {} : { end: endOf(outcome) }),
  };
}

function endOf({ error, exitStatus }: Outcome): MessageInitShape<typeof EndSchema> {
  return {
    ...(exitStatus === undefined ? {} : { exitStatus }),
    code: error?.code ?? "ok",
    message: error?.message ?? "",
    hint: error?.hint ?? "",
  };
}

/** The first arguments, the last of these cut, with an ellipsis where something is left out. */
function shortened(args: readonly string[]): string[] {
  let room = listedArgs;
  const shown: string[] = [];
  for (const arg of args) {
    if (arg.length + 1 > room) {
      shown.push(`${arg.slice(0, room).toWellFormed()}…`);
      break;
    }
    shown.push(arg);
    room -= arg.length + 1;
  }
  return shown;
}
