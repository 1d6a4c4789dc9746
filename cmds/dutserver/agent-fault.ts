import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { saidByPeer } from "#pkg/protocol/grpc/status.ts";
import type { Agent } from "./registry.ts";

/** An agent's own errors pass as they are; when the agent cannot be reached, the error says that it is the agent. */
export function agentFault(agent: Agent, error: unknown): DutError {
  if (error instanceof DutError && (error.code !== "unavailable" || saidByPeer(error))) {
    return error;
  }
  return new DutError("unavailable", `dutagent at ${agent.address} does not answer the server: ${messageOf(error)}`, {
    cause: error,
  });
}
