import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { Code } from "@connectrpc/connect";
import type { Log } from "#pkg/log/log.ts";
import type { Metrics } from "#pkg/metrics/metrics.ts";
import { RunService } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { callerOf, versionHeader } from "#pkg/protocol/headers.ts";
import { Http2Session } from "#pkg/protocol/http2-session.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { sourceOf } from "#pkg/protocol/source.ts";
import { refuseIncompatible } from "#pkg/protocol/version.ts";
import { pathOf, type RunExchange, refuseRun, subjectOf } from "#pkg/relay/run-request.ts";
import { passedOn, splice } from "#pkg/relay/splice.ts";
import { agentFault } from "./agent-fault.ts";
import type { Agent, Registry } from "./registry.ts";
import type { RunBudget } from "./run-budget.ts";

/** What runs are forwarded with. */
export interface Relaying {
  readonly registry: Registry;
  readonly budget: RunBudget;
  readonly metrics: Metrics;
  readonly log: Log;
  /** For refusals, of which peers can cause as many as they like. */
  readonly refusals: Log;
}

/** Joins a client's stream with the agent that has the device. Answers with the reason when that cannot be done. */
export async function relayRun(relaying: Relaying, run: RunExchange): Promise<void> {
  const { registry, budget, metrics, log, refusals } = relaying;
  const caller = callerOf(run.request.headers.from);
  const known: Record<string, string> = { user: caller.name };
  try {
    refuseIncompatible("dutserver", String(run.request.headers[versionHeader] ?? ""));
    const { device, run: id } = await subjectOf(run);
    Object.assign(known, { device }, id === undefined ? {} : { run: id });
    const agent = registry.agentOf(device);
    known.agent = agent.address;
    const scoped = log.with(known);
    using _ = budget.take({
      user: caller.kind === "named" ? caller.name : `somebody at ${sourceOf(remoteOf(run)).name}`,
      agent: agent.address,
      again: run.method === RunService.method.attach,
    });
    scoped.info("run forwarded", { rpc: pathOf(run.method) });
    await joinWith(agent, run, () => {
      metrics.limitHit("stalled_reader");
      scoped.warn("client given up, it took no output for a minute");
    });
    scoped.info("run no longer forwarded");
  } catch (error) {
    refuseRun(run, error, "dutserver", refusals.with(known));
  }
}

function remoteOf({ request }: RunExchange): string | undefined {
  return request.stream.session?.socket.remoteAddress;
}

/**
 * Every run has a connection to the agent of its own: what one client does to it, by not reading or by resetting, is
 * counted and held back there, and costs no other run of that agent anything.
 */
async function joinWith(agent: Agent, { method, request, response }: RunExchange, onStall: () => void): Promise<void> {
  using session = new Http2Session(agent.target, { pingWhenIdle: false, streamWindowBytes: limits.relayWindowBytes });
  try {
    const upstream = await session.request("POST", pathOf(method), passedOn(request.headers));
    await splice(response, upstream, { lost: (answer) => lostTrailers(answer, agent), onStall });
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
