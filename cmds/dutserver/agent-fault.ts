import { DutError } from "#pkg/errors/dut-error.ts";
import { dutErrorFrom } from "#pkg/protocol/fault.ts";
import { saidByPeer } from "#pkg/protocol/grpc/status.ts";
import type { Agent } from "./registry.ts";

/** An agent's own errors pass as they are; when the agent cannot be reached, the error says that it is the agent. */
export function agentFault(agent: Agent, error: unknown, signal?: AbortSignal): DutError {
  const fault = dutErrorFrom(error, signal);
  return fault.code === "unavailable" && !saidByPeer(error)
    ? new DutError("unavailable", `dutagent at ${agent.address} does not answer the server: ${fault.message}`, {
        cause: error,
      })
    : fault;
}
