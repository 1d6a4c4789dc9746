import { quote } from "#pkg/golang/quote.ts";
import type { Clients } from "#pkg/protocol/client.ts";
import type { Streams } from "#pkg/protocol/streams.ts";

/** An agent as errors name it: by its name, or by the address that it registered, which is its name then. */
export function titleOf(agent: string): string {
  return agent.includes(":") ? `dutagent at ${agent}` : `dutagent ${quote(agent)}`;
}

/** Who answers for a device: an agent, or the server that has it. */
export interface Callee {
  /** For people, as an error begins: `dutagent "bench-1"`. */
  readonly title: string;
  /** For calls. */
  readonly clients: Clients;
  /** Where one run is sent, dropped with the disposal. */
  openForRun(): Streams & Disposable;
}

/** An agent that this server reaches by itself. */
export interface Agent extends Callee {
  readonly name: string;
}
