import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { type Command, DeviceService, RunRequestSchema } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { peekFirstMessage } from "./first-message.ts";

/** The path of the call that runs a command. */
export const runPath = `/${DeviceService.typeName}/${DeviceService.method.run.name}`;

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** An HTTP/2 request for a run, whose stream can be read before it is answered. */
export interface RunExchange {
  readonly request: Http2ServerRequest;
  readonly response: Http2ServerResponse;
}

/** The exchange, if it is one of a run over HTTP/2; other versions cannot carry one. */
export function runExchange(request: Request, response: Response): RunExchange | undefined {
  return request.url === runPath && request.method === "POST" && "stream" in request && "stream" in response
    ? { request, response }
    : undefined;
}

/**
 * The command that a run begins with; its bytes stay in the stream. Throws invalid_argument for a message that is no
 * command, and as peekFirstMessage does.
 */
export async function commandOf({ request }: RunExchange): Promise<Command> {
  const { stream, headers } = request;
  const { msg } = await peekFirstMessage(stream, headers["content-type"] ?? "", RunRequestSchema);
  if (msg.case !== "command") {
    throw new DutError("invalid_argument", "first run request must contain a command");
  }
  return msg.value;
}

/** Lets the RPC library say the error in whichever protocol the client speaks. */
export function refuseRun(
  { request, response }: RunExchange,
  error: unknown,
  self: "agent" | "dutserver",
  log: Log,
): void {
  if (response.stream === undefined || response.stream.destroyed) {
    return;
  }
  const answer = rpcHandler(
    (router) =>
      router.rpc(DeviceService.method.run, () => {
        throw error;
      }),
    { self, log },
  );
  answer(request, response);
}
