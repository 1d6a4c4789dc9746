import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { type DescMessage, type DescMethodBiDiStreaming, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { type Command, DeviceService, RunRequestSchema } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import {
  DescribeRequestSchema,
  RunRequestSchema as LabRunRequestSchema,
  RunService,
} from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { refuseUnfitName } from "#pkg/protocol/names.ts";
import { rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { peekFirstMessage } from "./first-message.ts";

/** The call of protocol v1 that runs a command. */
const oldRun = DeviceService.method.run;

/** The calls that are joined with an agent's, of both protocols. */
export const runMethods: readonly DescMethodBiDiStreaming[] = [oldRun, RunService.method.run, RunService.method.attach];

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** An HTTP/2 request for a run, whose stream can be read before it is answered. */
export interface RunExchange {
  readonly method: DescMethodBiDiStreaming;
  readonly request: Http2ServerRequest;
  readonly response: Http2ServerResponse;
}

/** The exchange, if it is one of the methods over HTTP/2; other versions cannot carry them. Without methods it is the Run of protocol v1. */
export function runExchange(
  request: Request,
  response: Response,
  methods: readonly DescMethodBiDiStreaming[] = [oldRun],
): RunExchange | undefined {
  if (request.method !== "POST" || !("stream" in request) || !("stream" in response)) {
    return undefined;
  }
  const method = methods.find((candidate) => request.url === pathOf(candidate));
  return method === undefined ? undefined : { method, request, response };
}

/** Where a method is called. */
export function pathOf({ parent, name }: DescMethodBiDiStreaming): string {
  return `/${parent.typeName}/${name}`;
}

/** What a call of a run method is about. */
export interface RunSubject {
  readonly device: string;
  /** Chosen by the client; undefined where the protocol has none, and where the client's words for it are not known. */
  readonly run: string | undefined;
}

/**
 * The device and the run that a call of any of the run methods is for; what its first message says besides is not looked
 * at, and its bytes stay in the stream. Throws invalid_argument when it names no device, or one that cannot be, and as
 * peekFirstMessage does.
 */
export async function subjectOf(run: RunExchange): Promise<RunSubject> {
  if (run.method === oldRun) {
    const { device } = await commandOf(run);
    refuseUnfitName("device", device);
    return { device, run: undefined };
  }
  // Any message of ours that concerns one device names it in field 1, and this one has no other field.
  const message = await firstMessage(run, DescribeRequestSchema);
  const { device } = message;
  if (device === "") {
    throw new DutError("invalid_argument", `the first message of ${run.method.name} names no device`);
  }
  refuseUnfitName("device", device);
  return { device, run: runIn(message) };
}

/** The fields of a start and of a resume in the first message of a run. */
const beginnings: ReadonlySet<number> = new Set([
  LabRunRequestSchema.field.start.number,
  LabRunRequestSchema.field.resume.number,
]);

/** Longer ones are refused by the agent. */
const idCharacters = 64;

/** Both have the id in field 1, which is the only one of the message that is taken for them. */
function runIn({ $unknown: others = [] }: MessageShape<typeof DescribeRequestSchema>): string | undefined {
  const beginning = others.find(({ no, wireType }) => beginnings.has(no) && wireType === WireType.LengthDelimited);
  if (beginning === undefined) {
    return undefined;
  }
  try {
    const { device: id } = fromBinary(DescribeRequestSchema, new BinaryReader(beginning.data).bytes());
    return id === "" || id.length > idCharacters ? undefined : id;
  } catch {
    // What cannot be read is the agent's to refuse.
    return undefined;
  }
}

/**
 * The command that a Run of protocol v1 begins with; its bytes stay in the stream. Throws invalid_argument for a message
 * that is no command, and as peekFirstMessage does.
 */
export async function commandOf(run: RunExchange): Promise<Command> {
  const { msg } = await firstMessage(run, RunRequestSchema);
  if (msg.case !== "command") {
    throw new DutError("invalid_argument", "first run request must contain a command");
  }
  return msg.value;
}

function firstMessage<Schema extends DescMessage>(
  { request }: RunExchange,
  schema: Schema,
): Promise<MessageShape<Schema>> {
  return peekFirstMessage(request.stream, request.headers["content-type"] ?? "", schema);
}

/** Lets the RPC library say the error in whichever protocol the client speaks. */
export function refuseRun(
  { method, request, response }: RunExchange,
  error: unknown,
  self: "agent" | "dutserver",
  log: Log,
): void {
  if (response.stream === undefined || response.stream.destroyed) {
    return;
  }
  const answer = rpcHandler(
    (router) =>
      router.rpc(method, () => {
        throw error;
      }),
    { self, log },
  );
  answer(request, response);
}
