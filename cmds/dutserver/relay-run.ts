import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { Code } from "@connectrpc/connect";
import type { Log } from "#pkg/log/log.ts";
import { callerOf, versionHeader } from "#pkg/protocol/headers.ts";
import { refuseIncompatible } from "#pkg/protocol/version.ts";
import { deviceOf, pathOf, type RunExchange, refuseRun } from "#pkg/relay/run-request.ts";
import { passedOn, splice } from "#pkg/relay/splice.ts";
import type { Callee } from "./agents/callee.ts";
import { calleeFault } from "./agents/callee-fault.ts";
import type { OpenRuns } from "./open-runs.ts";
import type { Reach } from "./reach.ts";

/** Joins a client's stream with the agent that has the device. Answers with the reason when that cannot be done. */
export async function relayRun(
  { reach, runs }: { readonly reach: Reach; readonly runs: OpenRuns },
  run: RunExchange,
  log: Log,
): Promise<void> {
  try {
    refuseIncompatible("dutserver", String(run.request.headers[versionHeader] ?? ""));
    const device = await deviceOf(run);
    using _ = runs.enter();
    const callee = reach.calleeOf(device);
    const user = callerOf(run.request.headers.from).name;
    log.info("run forwarded", { rpc: pathOf(run.method), device, to: callee.title, user });
    await joinWith(reach.server, callee, run);
  } catch (error) {
    refuseRun(run, error, "dutserver", log);
  }
}

async function joinWith(server: string, callee: Callee, { method, request, response }: RunExchange): Promise<void> {
  using streams = callee.openForRun();
  try {
    const upstream = await streams.request("POST", pathOf(method), passedOn(request.headers));
    const lost = (answer: IncomingHttpHeaders, reason: string) =>
      lostTrailers(answer, `${server}: ${callee.title} was lost in the middle of the run (${reason})`);
    await splice(response, upstream, { lost });
  } catch (error) {
    throw calleeFault(server, callee, error);
  }
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
