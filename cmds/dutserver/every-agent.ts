import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { CallOptions } from "#pkg/protocol/client.ts";
import { saidByPeer } from "#pkg/protocol/grpc/status.ts";
import type { Agent, Registered, Registry } from "./registry.ts";

/** What a list waits for an agent, in milliseconds: long enough for a slow link, short enough for who waits for the list. */
const answerMs = 2_000;

/** An agent's answer, or why there is none. */
export type AgentAnswer<T> = Registered &
  (
    | { readonly value: T; readonly fault: undefined }
    /** For people, with the agent's address. */
    | { readonly value: undefined; readonly fault: DutError }
  );

/** Asks all agents at once, within one time limit for all. */
export function askEveryAgent<T>(
  registry: Registry,
  signal: AbortSignal,
  ask: (agent: Agent, options: CallOptions) => Promise<T>,
): Promise<readonly AgentAnswer<T>[]> {
  const patience = AbortSignal.timeout(answerMs);
  const options = { signal: AbortSignal.any([signal, patience]) };
  return Promise.all(
    registry.agents.map(async (registered) => {
      try {
        return { ...registered, value: await ask(registered.agent, options), fault: undefined };
      } catch (error) {
        const reason = patience.aborted ? `no answer within ${answerMs / 1000} s` : messageOf(error);
        return { ...registered, value: undefined, fault: unreached(registered.agent, error, reason) };
      }
    }),
  );
}

/** Why an agent's part of something is missing. */
export function unreached({ address }: Agent, error: unknown, reason = messageOf(error)): DutError {
  return saidByPeer(error)
    ? new DutError((error as DutError).code, `dutagent at ${address}: ${reason}`, { cause: error })
    : new DutError("unavailable", `dutagent at ${address} does not answer the server: ${reason}`, { cause: error });
}
