import { type ClientHttp2Stream, constants, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { packageVersion } from "../build-info.ts";
import { limits } from "../limits.ts";
import { NeverAnswered } from "../live-session.ts";
import type { Streams } from "../streams.ts";
import { Answer } from "./answer.ts";
import { enveloped, messagesIn } from "./envelope.ts";
import { BrokenCall, saidByPeer, throwUnlessOk } from "./status.ts";

export interface CallOptions {
  /** Ends the call; the peer sees a cancelled stream. */
  readonly signal?: AbortSignal;
  /** The deadline, told to the peer and held here too. */
  readonly timeoutMs?: number;
  /** The largest message of the answer, in bytes; a larger one is resource_exhausted. Default limits.messageBytes. */
  readonly readMaxBytes?: number;
  /** Sent with the call, in the place of those that the connection sends by itself. Names are in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Told the headers of the answer with its first message, or at a successful end without one. */
  readonly onHeaders?: (headers: IncomingHttpHeaders) => void;
}

type MethodOf<Input extends DescMessage, Output extends DescMessage> = DescMethod & {
  readonly input: Input;
  readonly output: Output;
};

/**
 * Asks once and is answered once. Throws a DutError: the peer's own status, unavailable when the connection cannot be
 * made or is lost, deadline_exceeded, or canceled when the signal was aborted.
 */
export async function callUnary<Input extends DescMessage, Output extends DescMessage>(
  peer: Streams,
  method: MethodOf<Input, Output>,
  request: MessageInitShape<Input>,
  options: CallOptions,
): Promise<MessageShape<Output>> {
  const envelope = encode(method, request);
  const answers = exchange(peer, method, options, async (stream) => void stream.end(envelope));
  let response: MessageShape<Output> | undefined;
  for await (const message of answers) {
    if (response !== undefined) {
      throw new DutError("internal", `the peer gave more than one answer to ${method.name}`);
    }
    response = message;
  }
  if (response === undefined) {
    throw new DutError("internal", `the peer gave no answer to ${method.name}`);
  }
  return response;
}

/**
 * Sends requests as they come and yields answers as they come, until the peer ends the call; leaving the loop earlier
 * cancels it. Throws as callUnary does, and what iterating the requests throws.
 */
export function callStream<Input extends DescMessage, Output extends DescMessage>(
  peer: Streams,
  method: MethodOf<Input, Output>,
  requests: AsyncIterable<MessageInitShape<Input>>,
  options: CallOptions,
): AsyncGenerator<MessageShape<Output>> {
  return exchange(peer, method, options, async (stream) => {
    for await (const request of requests) {
      if (!stream.writable) {
        return;
      }
      if (!stream.write(encode(method, request))) {
        await drained(stream);
      }
    }
    stream.end();
  });
}

/** One call: opens a stream, sends beside receiving, and ends with the peer's status or what came in its place. */
async function* exchange<Input extends DescMessage, Output extends DescMessage>(
  peer: Streams,
  method: MethodOf<Input, Output>,
  options: CallOptions,
  send: (stream: ClientHttp2Stream) => Promise<void>,
): AsyncGenerator<MessageShape<Output>> {
  const stop = stopSignal(options);
  const stream = await peer.request("POST", pathOf(method), requestHeaders(options), stop).catch((error: unknown) => {
    throw stop.aborted ? reasonOf(stop, options) : error;
  });
  let broken: unknown;
  const breakOff = (reason: unknown) => {
    broken ??= reason;
    stream.close(constants.NGHTTP2_CANCEL);
  };
  const onStop = () => breakOff(reasonOf(stop, options));
  stop.addEventListener("abort", onStop);
  const answer = new Answer(stream);
  let told = false;
  const tell = () => {
    if (!told) {
      told = true;
      options.onHeaders?.(answer.headers);
    }
  };
  try {
    send(stream).catch(breakOff);
    await answer.begun;
    for await (const message of messagesIn(answer.body(), options.readMaxBytes ?? limits.messageBytes)) {
      tell();
      yield decode(method, message);
    }
    throwUnlessOk(answer.status);
    tell();
  } catch (error) {
    throw broken ?? inTheMiddle(answer.faultOf(error));
  } finally {
    stop.removeEventListener("abort", onStop);
    answer.leave();
  }
}

/** A connection that is lost once the request is out is another matter than a peer that was never there. */
function inTheMiddle(error: unknown): unknown {
  if (!(error instanceof DutError) || error.code !== "unavailable") {
    return error;
  }
  return saidByPeer(error) || error.cause instanceof NeverAnswered
    ? error
    : new DutError(error.code, error.message, { cause: new BrokenCall(error.message, { cause: error }) });
}

function stopSignal({ signal, timeoutMs }: CallOptions): AbortSignal {
  return AbortSignal.any([
    ...(signal === undefined ? [] : [signal]),
    ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(Math.ceil(timeoutMs))]),
  ]);
}

function reasonOf(stop: AbortSignal, { signal }: CallOptions): DutError {
  if (signal?.aborted !== true) {
    return new DutError("deadline_exceeded", "the operation timed out", { cause: stop.reason });
  }
  return signal.reason instanceof DutError
    ? signal.reason
    : new DutError("canceled", messageOf(signal.reason), { cause: signal.reason });
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function requestHeaders({ timeoutMs, headers }: CallOptions): OutgoingHttpHeaders {
  return {
    "content-type": "application/grpc",
    te: "trailers",
    "user-agent": `dutctl/${packageVersion}`,
    ...(timeoutMs === undefined ? {} : { "grpc-timeout": `${Math.ceil(timeoutMs)}m` }),
    ...headers,
  };
}

function encode<Input extends DescMessage>({ input }: { input: Input }, request: MessageInitShape<Input>): Buffer {
  return enveloped(toBinary(input, create(input, request)), limits.fileMessageBytes);
}

function decode<Output extends DescMessage>(
  { name, output }: { name: string; output: Output },
  message: Buffer,
): MessageShape<Output> {
  try {
    return fromBinary(output, message);
  } catch (error) {
    throw new DutError("internal", `the peer's answer to ${name} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Resolves when the stream takes more, and when it takes nothing any more. */
async function drained(stream: ClientHttp2Stream): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.once("drain", resolve);
  stream.once("close", resolve);
  await promise;
  stream.off("drain", resolve);
  stream.off("close", resolve);
}
