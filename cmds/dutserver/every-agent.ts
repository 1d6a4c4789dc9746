import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { CallOptions } from "#pkg/protocol/client.ts";
import { saidByPeer } from "#pkg/protocol/grpc/status.ts";
import { unlessAborted } from "#pkg/protocol/unless-aborted.ts";
import type { Agent, Registered, Registry } from "./registry.ts";

/** What a list waits for an agent, in milliseconds: long enough for a slow link, short enough for who waits for the list. */
const answerMs = 2_000;
/** The same for an agent that did not answer the last time: it is not to hold up every list. */
const lateMs = 100;

/** An agent's answer, or why there is none. */
export type AgentAnswer<T> = Registered &
  (
    | { readonly value: T; readonly fault: undefined }
    /** For people, with the agent's address. */
    | { readonly value: undefined; readonly fault: DutError }
  );

/**
 * Asks all agents at once, within one time limit for all. One that is late is not waited for the next time, but asked,
 * until it answers in time again.
 */
export function askEveryAgent<T>(
  registry: Registry,
  signal: AbortSignal,
  ask: (agent: Agent, options: CallOptions) => Promise<T>,
): Promise<readonly AgentAnswer<T>[]> {
  return Promise.all(
    registry.agents.map(async (registered) => {
      const { agent } = registered;
      const waitMs = registry.late.has(agent) ? lateMs : answerMs;
      const answer = inTime(registry.late, agent, ask);
      const patience = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
      try {
        return { ...registered, value: await unlessAborted(answer, patience), fault: undefined };
      } catch (error) {
        const reason = patience.aborted ? `no answer within ${answerMs / 1000} s` : messageOf(error);
        return { ...registered, value: undefined, fault: unreached(agent, error, reason) };
      }
    }),
  );
}

/** Asks one agent, whoever waits for it, and remembers whether it is late. */
async function inTime<T>(
  late: WeakSet<Agent>,
  agent: Agent,
  ask: (agent: Agent, options: CallOptions) => Promise<T>,
): Promise<T> {
  const patience = AbortSignal.timeout(answerMs);
  try {
    const answer = await ask(agent, { signal: patience });
    late.delete(agent);
    return answer;
  } catch (error) {
    if (patience.aborted) {
      late.add(agent);
    } else {
      late.delete(agent);
    }
    throw error;
  }
}

/** Why an agent's part of something is missing. */
export function unreached({ address }: Agent, error: unknown, reason = messageOf(error)): DutError {
  return saidByPeer(error)
    ? new DutError((error as DutError).code, `dutagent at ${address}: ${reason}`, { cause: error })
    : new DutError("unavailable", `dutagent at ${address} does not answer the server: ${reason}`, { cause: error });
}
