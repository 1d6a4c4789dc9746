import type { Agent } from "../agents/callee.ts";
import type { LabState } from "./lab-state.ts";
import type { Overdue } from "./overdue.ts";
import type { Presences } from "./presences.ts";

/** Where an agent is. Since when is in Unix time of milliseconds. */
export type Place =
  | { readonly kind: "here"; readonly agent: Agent }
  | { readonly kind: "elsewhere"; readonly server: string }
  | { readonly kind: "offline"; readonly since: number; readonly reason: string };

export interface PlacesOptions {
  readonly state: LabState;
  readonly here: Presences;
  readonly overdue: Overdue;
  /** The id of this server. */
  readonly self: string;
  readonly now: () => number;
}

/** Where agents are: by who is here, by what the store says, and by which servers live. */
export class Places {
  readonly #options: PlacesOptions;
  readonly #deaths = new Map<string, number>();
  readonly #openedAt: number;

  constructor(options: PlacesOptions) {
    this.#options = options;
    this.#openedAt = options.now();
  }

  /** A server does not live any more. */
  died(server: string): void {
    this.#deaths.set(server, this.#options.now());
  }

  of(name: string): Place {
    const { state, here, overdue, self } = this.#options;
    const presence = here.get(name);
    if (presence !== undefined) {
      return { kind: "here", agent: presence.agent };
    }
    const record = state.agents.get(name)?.value;
    if (record === undefined || record.server === "") {
      return { kind: "offline", since: record?.since ?? this.#openedAt, reason: record?.reason ?? "it is not known" };
    }
    const { server, since } = record;
    if (server === self) {
      return { kind: "offline", ...(overdue.lossOf(name) ?? { since, reason: "its session has ended" }) };
    }
    return state.servers.has(server)
      ? { kind: "elsewhere", server }
      : {
          kind: "offline",
          since: this.#deaths.get(server) ?? this.#openedAt,
          reason: "the server that had it has stopped",
        };
  }
}
