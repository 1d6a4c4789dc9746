import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { Code } from "@connectrpc/connect";
import type { Log } from "#pkg/log/log.ts";
import { callerOf, versionHeader } from "#pkg/protocol/headers.ts";
import { Http2Session } from "#pkg/protocol/http2-session.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { refuseIncompatible } from "#pkg/protocol/version.ts";
import { deviceOf, pathOf, type RunExchange, refuseRun } from "#pkg/relay/run-request.ts";
import { passedOn, splice } from "#pkg/relay/splice.ts";
import { agentFault } from "./agent-fault.ts";
import type { Agent, Registry } from "./registry.ts";

/** Joins a client's stream with the agent that has the device. Answers with the reason when that cannot be done. */
export async function relayRun(registry: Registry, run: RunExchange, log: Log): Promise<void> {
  try {
    refuseIncompatible("dutserver", String(run.request.headers[versionHeader] ?? ""));
    const device = await deviceOf(run);
    const agent = registry.agentOf(device);
    const user = callerOf(run.request.headers.from).name;
    log.info("run forwarded", { rpc: pathOf(run.method), device, agent: agent.address, user });
    await joinWith(agent, run);
  } catch (error) {
    refuseRun(run, error, "dutserver", log);
  }
}

/**
 * Every run has a connection to the agent of its own: what one client does to it, by not reading or by resetting, is
 * counted and held back there, and costs no other run of that agent anything.
 */
async function joinWith(agent: Agent, { method, request, response }: RunExchange): Promise<void> {
  using session = new Http2Session(agent.target, { pingWhenIdle: false, streamWindowBytes: limits.relayWindowBytes });
  try {
    const upstream = await session.request("POST", pathOf(method), passedOn(request.headers));
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
