import type { MessageInitShape } from "@bufbuild/protobuf";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { RunRequestSchema, RunResponse } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { saidByPeer } from "#pkg/protocol/grpc/status.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { destinationOf } from "../../files/grants.ts";
import { openGranted } from "../../files/open-file.ts";
import { readWhole } from "../../files/read-file.ts";
import { ReceivedFile } from "../../files/received-file.ts";
import { shownName } from "../../files/shown-name.ts";
import type { Context } from "../context.ts";
import { abortable } from "./abortable.ts";
import { RunLost } from "./endings.ts";
import { tellTransferred } from "./exchange.ts";
import { SendQueue } from "./send-queue.ts";
import type { Stage } from "./stage.ts";

type Request = MessageInitShape<typeof RunRequestSchema>;

/** One run as its parts see it. */
interface Running {
  readonly stage: Stage;
  readonly log: Context["log"];
  readonly sendQueue: SendQueue<Request>;
  /** Shows what the agent says; a reader that stalls holds up the run, but not its end. */
  show(bytes: Uint8Array, source: "print" | "stdout" | "stderr"): Promise<void>;
  /** Ends the run for a reason of ours. */
  fail(reason: unknown): void;
  /** A file is on its way to the agent. */
  answering: boolean;
}

/**
 * Runs a command over the first protocol, until the agent ends it. What the agent says about the end counts, whatever
 * befell the input. There the end of the call is the only way to say that we want no more.
 */
export async function runV1(
  { device, command, args }: { readonly device: string; readonly command: string; readonly args: readonly string[] },
  { devices, log, server, world }: Context,
  stage: Stage,
): Promise<void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([world.signal, stage.console.left, ended.signal]);
  const patiently = abortable(signal);
  const running: Running = {
    stage,
    log,
    sendQueue: new SendQueue(signal),
    show: (bytes, source) => patiently(stage.console.show(source, bytes)),
    fail: (reason) => ended.abort(reason),
    answering: false,
  };
  void running.sendQueue.send({ msg: { case: "command", value: { device, command, args: [...args] } } });
  void forwardInput(running);
  let begun = false;
  try {
    for await (const response of devices.run(running.sendQueue, { signal })) {
      begun = true;
      await handle(response, running);
    }
  } catch (error) {
    throw ended.signal.aborted ? ended.signal.reason : explained(error, begun, server);
  } finally {
    ended.abort(new DutError("canceled", "the run is over"));
  }
}

function explained(error: unknown, begun: boolean, server: string): unknown {
  if (!(error instanceof DutError)) {
    return error;
  }
  if (begun && error.code === "unavailable" && saidByPeer(error)) {
    // A server has lost the agent.
    return new RunLost(server, error.message, error);
  }
  if (error.code !== "resource_exhausted" || saidByPeer(error)) {
    return error;
  }
  const mebibytes = limits.fileMessageBytes / 1024 / 1024;
  return new DutError(error.code, `the agent sent more than ${mebibytes} MiB at once: ${error.message}`, {
    hint: "its protocol carries a file in one message; make it smaller, or let the agent speak the newer protocol",
    cause: error,
  });
}

/** Sends what is typed or piped in, as it comes. The end of input is not told: the agent could not take it. */
async function forwardInput({ stage, sendQueue, fail }: Running): Promise<void> {
  try {
    for await (const bytes of stage.console.input) {
      await sendQueue.send({ msg: { case: "console", value: { data: { case: "stdin", value: bytes } } } });
    }
  } catch (error) {
    fail(new DutError("aborted", `reading stdin: ${messageOf(error)}`, { cause: error }));
  }
}

async function handle({ msg }: RunResponse, running: Running): Promise<void> {
  const { log } = running;
  switch (msg.case) {
    case "print":
      return running.show(msg.value.text, "print");
    case "console":
      switch (msg.value.data.case) {
        case "stdout":
        case "stderr":
          return running.show(msg.value.data.value, msg.value.data.case);
        default:
          return log.warn("unexpected console stdin from agent");
      }
    case "fileRequest":
      return startAnswer(msg.value.path, running);
    case "file":
      return receiveFile(msg.value.path, msg.value.content, running);
    default:
      return log.warn("unexpected message type");
  }
}

/** Answers beside the receiver, so that an agent that ends the run meanwhile is heard. One file at a time bounds the memory. */
function startAnswer(path: string, running: Running): void {
  if (running.answering) {
    throw new DutError(
      "failed_precondition",
      `the agent asked for the file ${shownName(path)} before it had taken the one before`,
    );
  }
  running.answering = true;
  sendFile(path, running).catch(running.fail);
}

async function sendFile(path: string, running: Running): Promise<void> {
  const { desk } = running.stage;
  const content = await readGranted(path, running.stage);
  await running.sendQueue.send({ msg: { case: "file", value: { path, content } } });
  running.answering = false;
  await tellTransferred(desk, "sent", { name: path, bytes: content.length });
}

async function readGranted(name: string, { desk }: Stage): Promise<Uint8Array> {
  await using file = await openGranted(desk.grants, name);
  desk.sent.add(file.path);
  return await readWhole(file, name);
}

async function receiveFile(name: string, content: Uint8Array, { stage, log }: Running): Promise<void> {
  const { desk } = stage;
  if (content.length === 0) {
    log.warn("received empty file content", { path: shownName(name) });
  }
  const destination = destinationOf(desk.grants, name, desk.sent);
  await using file = await ReceivedFile.create(destination, name);
  await file.write(content);
  await file.finish();
  await tellTransferred(desk, "received", { name, bytes: content.length });
}
