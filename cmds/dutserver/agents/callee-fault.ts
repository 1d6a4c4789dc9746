import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { saidByPeer } from "#pkg/protocol/grpc/status.ts";
import type { Callee } from "./callee.ts";

/**
 * The error of a forwarded call: what the agent said passes as it is, and when it does not answer the error names this
 * server and the agent.
 */
export function calleeFault(server: string, { title }: Callee, error: unknown): DutError {
  if (error instanceof DutError && (error.code !== "unavailable" || saidByPeer(error))) {
    return error;
  }
  return new DutError("unavailable", `${server}: ${title} does not answer: ${messageOf(error)}`, { cause: error });
}
