import type { Http2ServerRequest, IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { Code } from "@connectrpc/connect";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import type { Metrics } from "#pkg/metrics/metrics.ts";
import { RunService } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { callerOf, versionHeader } from "#pkg/protocol/headers.ts";
import { sourceOf } from "#pkg/protocol/source.ts";
import { refuseIncompatible } from "#pkg/protocol/version.ts";
import { pathOf, type RunExchange, refuseRun, subjectOf } from "#pkg/relay/run-request.ts";
import { passedOn, splice } from "#pkg/relay/splice.ts";
import type { Callee } from "./agents/callee.ts";
import { calleeFault } from "./agents/callee-fault.ts";
import type { Reach } from "./reach.ts";
import type { RunBudget } from "./run-budget.ts";

/** What runs are forwarded with. */
export interface Relaying {
  readonly reach: Reach;
  readonly budget: RunBudget;
  readonly metrics: Metrics;
  readonly log: Log;
  /** For refusals, of which peers can cause as many as they like. */
  readonly refusals: Log;
}

/** Joins a client's stream with the agent that has the device. Answers with the reason when that cannot be done. */
export async function relayRun(relaying: Relaying, run: RunExchange): Promise<void> {
  const { reach, budget, metrics, log, refusals } = relaying;
  const known: Record<string, string> = { user: callerOf(run.request.headers.from).name };
  try {
    refuseIncompatible("dutserver", String(run.request.headers[versionHeader] ?? ""));
    const { device, run: id } = await subjectOf(run);
    Object.assign(known, { device }, id === undefined ? {} : { run: id });
    const { callee, agent, isHere } = reach.calleeOf(device);
    known.agent = agent;
    const scoped = log.with(known);
    using _ = budget.take({
      user: reach.scope === "lab" ? userOf(run) : undefined,
      agent: isHere ? agent : undefined,
      again: run.method === RunService.method.attach,
    });
    scoped.info("run forwarded", { rpc: pathOf(run.method) });
    await joinWith(reach.server, callee, run, () => {
      metrics.limitHit("stalled_reader");
      scoped.warn("client given up, it took no output for a minute");
    });
    scoped.info("run no longer forwarded");
  } catch (error) {
    refuseRun(run, error, "dutserver", refusals.with(known));
  }
}

/** Who is held to a user's share: of those who do not say who they are, everybody at one source. */
function userOf(run: RunExchange): string {
  const caller = callerOf(run.request.headers.from);
  return caller.kind === "named" ? caller.name : `somebody at ${sourceOf(remoteOf(run)).name}`;
}

function remoteOf({ request }: RunExchange): string | undefined {
  return request.stream.session?.socket.remoteAddress;
}

async function joinWith(
  server: string,
  callee: Callee,
  { method, request, response }: RunExchange,
  onStall: () => void,
): Promise<void> {
  using streams = callee.openForRun();
  try {
    const upstream = await streams.request("POST", pathOf(method), passedOn(request.headers), presenceOf(request));
    const lost = (answer: IncomingHttpHeaders, reason: string) =>
      lostTrailers(answer, `${server}: ${callee.title} was lost in the middle of the run (${reason})`);
    await splice(response, upstream, { lost, onStall });
  } catch (error) {
    throw calleeFault(server, callee, error);
  }
}

/** Aborted when the client is gone. */
function presenceOf({ stream }: Http2ServerRequest): AbortSignal {
  const gone = new AbortController();
  const leave = () => gone.abort(new DutError("canceled", "the client is gone"));
  if (stream.closed) {
    leave();
  }
  stream.once("close", leave);
  return gone.signal;
}

/**
 * The end of an answer whose agent was lost. gRPC has its status outside the messages, so it can be told in the middle
 * of one; the other protocols are told by a reset.
 */
function lostTrailers(answer: IncomingHttpHeaders, message: string): OutgoingHttpHeaders | undefined {
  return /^application\/grpc(?:\+|$)/.test(answer["content-type"] ?? "")
    ? { "grpc-status": Code.Unavailable, "grpc-message": encodeURIComponent(message) }
    : undefined;
}
