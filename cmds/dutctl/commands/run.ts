import type { MessageInitShape } from "@bufbuild/protobuf";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { RunRequestSchema, RunResponse } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { destinationOf, type Grants, grantsOf, readablePath } from "../files/grants.ts";
import { readRegularFile } from "../files/read-file.ts";
import { writeReceivedFile } from "../files/write-file.ts";
import type { Invocation } from "../grammar.ts";
import { abortable } from "./abortable.ts";
import type { Context } from "./context.ts";
import { SendQueue } from "./send-queue.ts";

type Request = MessageInitShape<typeof RunRequestSchema>;

/** One run as its parts see it. */
interface Running {
  readonly context: Context;
  readonly grants: Grants;
  /** The paths that the agent has been sent. */
  readonly sent: Set<string>;
  readonly sendQueue: SendQueue<Request>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Shows what the agent says; a reader that stalls holds up the run, but not its end. */
  show(bytes: Uint8Array, isError: boolean): Promise<void>;
  /** Ends the run for a reason of ours. */
  fail(reason: unknown): void;
  /** A file is on its way to the agent. */
  answering: boolean;
}

/**
 * Runs a command: what the agent prints comes out, what is typed goes in, and the files that the user named are
 * exchanged, until the agent ends it. What the agent says about the end counts, whatever befell the input.
 */
export async function run({ device, command, args }: Invocation & { name: "run" }, context: Context): Promise<void> {
  const { devices, server, world } = context;
  const ended = new AbortController();
  const signal = AbortSignal.any([world.signal, ended.signal]);
  const metadata = { server, msg: "Run Response", device, command, args: args.join(" ") };
  const patiently = abortable(signal);
  const running: Running = {
    context,
    grants: grantsOf(args, world.directory),
    sent: new Set(),
    sendQueue: new SendQueue(signal),
    metadata,
    show: (data, isError) => patiently(context.out.write({ type: "module-output", data, metadata, isError })),
    fail: (reason) => ended.abort(reason),
    answering: false,
  };
  void running.sendQueue.send({ msg: { case: "command", value: { device, command, args: [...args] } } });
  void forwardInput(running);
  try {
    for await (const response of devices.run(running.sendQueue, { signal })) {
      await handle(response, running);
    }
  } catch (error) {
    throw ended.signal.aborted ? ended.signal.reason : error;
  } finally {
    ended.abort(new DutError("canceled", "the run is over"));
  }
}

/** Sends what is typed or piped in, as it comes. The end of input is not told: the agent could not take it. */
async function forwardInput({ context, sendQueue, fail }: Running): Promise<void> {
  try {
    for await (const bytes of context.world.stdin()) {
      await sendQueue.send({ msg: { case: "console", value: { data: { case: "stdin", value: bytes } } } });
    }
  } catch (error) {
    fail(new DutError("aborted", `reading stdin: ${messageOf(error)}`, { cause: error }));
  }
}

async function handle({ msg }: RunResponse, running: Running): Promise<void> {
  const { log } = running.context;
  switch (msg.case) {
    case "print":
      return running.show(msg.value.text, false);
    case "console":
      switch (msg.value.data.case) {
        case "stdout":
          return running.show(msg.value.data.value, false);
        case "stderr":
          return running.show(msg.value.data.value, true);
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
      `the agent asked for the file ${quote(path)} before it had taken the one before`,
    );
  }
  running.answering = true;
  sendFile(path, running).catch(running.fail);
}

async function sendFile(path: string, running: Running): Promise<void> {
  const { context, grants, sent, sendQueue, metadata } = running;
  const source = readablePath(grants, path);
  sent.add(source);
  const content = await readRegularFile(source, path);
  await sendQueue.send({ msg: { case: "file", value: { path, content } } });
  running.answering = false;
  await context.out.write({
    type: "file-transfer",
    data: { direction: "sent", path, bytes: content.length },
    metadata,
  });
}

async function receiveFile(path: string, content: Uint8Array, running: Running): Promise<void> {
  const { context, grants, sent, metadata } = running;
  if (content.length === 0) {
    context.log.warn("received empty file content", { path: quote(path) });
  }
  await writeReceivedFile(destinationOf(grants, path, sent), path, content);
  await context.out.write({
    type: "file-transfer",
    data: { direction: "received", path, bytes: content.length },
    metadata,
  });
}
