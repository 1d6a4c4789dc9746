import type { Http2ServerRequest, Http2ServerResponse, IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { Code } from "@connectrpc/connect";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { DeviceService, RunRequestSchema } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { callerOf, versionHeader } from "#pkg/protocol/headers.ts";
import { Http2Session } from "#pkg/protocol/http2-session.ts";
import { rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { refuseIncompatible } from "#pkg/protocol/version.ts";
import { peekFirstMessage } from "#pkg/relay/first-message.ts";
import { passedOn, splice } from "#pkg/relay/splice.ts";
import { agentFault } from "./agent-fault.ts";
import type { Agent, Registry } from "./registry.ts";

/** The path of the call that is joined instead of answered. */
export const runPath = `/${DeviceService.typeName}/${DeviceService.method.run.name}`;

/** Joins a client's Run with the agent that has the device. Answers with the reason when that cannot be done. */
export async function relayRun(
  registry: Registry,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  log: Log,
): Promise<void> {
  const { stream, headers } = request;
  try {
    refuseIncompatible("dutserver", String(headers[versionHeader] ?? ""));
    const { msg } = await peekFirstMessage(stream, headers["content-type"] ?? "", RunRequestSchema);
    if (msg.case !== "command") {
      throw new DutError("invalid_argument", "first run request must contain a command");
    }
    const { device, command } = msg.value;
    const agent = registry.agentOf(device);
    log.info("run forwarded", { device, command, agent: agent.address, user: callerOf(headers.from).name });
    await joinWith(agent, request, response);
  } catch (error) {
    log.warn("run not forwarded", { err: messageOf(error) });
    refuse(request, response, error, log);
  }
}

/**
 * Every run has a connection to the agent of its own: what one client does to it, by not reading or by resetting, is
 * counted and held back there, and costs no other run of that agent anything.
 */
async function joinWith(agent: Agent, request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
  using session = new Http2Session(agent.target, { pingWhenIdle: false });
  try {
    const upstream = await session.request("POST", runPath, passedOn(request.headers));
    await splice(response, upstream, { lost: (answer) => lostTrailers(answer, agent) });
  } catch (error) {
    throw agentFault(agent, error);
  }
}

/**
 * The end of an answer whose agent was lost. gRPC has its status outside the messages, so it can be told in the middle
 * of one; the other protocols are told by a reset.
 */
function lostTrailers(answer: IncomingHttpHeaders, { address }: Agent): OutgoingHttpHeaders | undefined {
  const message = `dutagent at ${address} was lost in the middle of the run`;
  return /^application\/grpc(?:\+|$)/.test(answer["content-type"] ?? "")
    ? { "grpc-status": Code.Unavailable, "grpc-message": encodeURIComponent(message) }
    : undefined;
}

/** Lets the RPC library say the error in whichever protocol the client speaks. */
function refuse(request: Http2ServerRequest, response: Http2ServerResponse, error: unknown, log: Log): void {
  if (response.stream === undefined || response.stream.destroyed) {
    return;
  }
  const routes = rpcHandler(
    (router) =>
      router.rpc(DeviceService.method.run, () => {
        throw error;
      }),
    { self: "dutserver", log },
  );
  routes(request, response);
}
