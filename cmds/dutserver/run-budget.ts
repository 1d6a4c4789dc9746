import { EventEmitter, once } from "node:events";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { LimitName } from "#pkg/metrics/limit-names.ts";
import type { Metrics } from "#pkg/metrics/metrics.ts";
import { titleOf } from "./agents/callee.ts";

/** How many runs may be forwarded at once. */
export interface RunLimits {
  readonly perUser: number;
  readonly perAgent: number;
  readonly total: number;
}

/** For a lab of people; one whose users are programs that look after many boards wants other numbers. */
export const usualRunLimits: RunLimits = { perUser: 16, perAgent: 32, total: 2_000 };

/** What a run counts for. One that is passed on between servers counts for its user where it came in, and for its agent where that is. */
export interface Counted {
  /** Who began it here; undefined for another server's client. */
  readonly user: string | undefined;
  /** Undefined for an agent at another server. */
  readonly agent: string | undefined;
  /** A run that goes on already: it is counted, and refused to nobody who has lost the connection to it. */
  readonly again: boolean;
}

/** Holds users and agents to their shares of the runs that a server forwards. */
export class RunBudget {
  readonly #limits: RunLimits;
  readonly #metrics: Metrics;
  readonly #ofUsers = new Map<string, number>();
  readonly #ofAgents = new Map<string, number>();
  readonly #idle = new EventEmitter<{ idle: [] }>();
  #all = 0;
  /** Those of users. */
  #ofClients = 0;
  #refusal: DutError | undefined;

  constructor(limits: RunLimits, metrics: Metrics) {
    this.#limits = limits;
    this.#metrics = metrics;
  }

  /** How many runs are forwarded. */
  get count(): number {
    return this.#all;
  }

  /** Takes no more runs. */
  refuse(reason: DutError): void {
    this.#refusal = reason;
  }

  /** Resolves when none is forwarded; rejects when the signal aborts first. */
  async ended(signal: AbortSignal): Promise<void> {
    while (this.#all > 0) {
      await once(this.#idle, "idle", { signal });
    }
  }

  /** Counts a run until it is disposed. Throws resource_exhausted for one too many, and unavailable when no more are taken. */
  take(counted: Counted): Disposable {
    if (this.#refusal !== undefined) {
      throw this.#refusal;
    }
    if (!counted.again) {
      this.#refuse(counted);
    }
    this.#count(counted, 1);
    const shown = this.#metrics.open("runs");
    let over = false;
    return {
      [Symbol.dispose]: () => {
        if (!over) {
          over = true;
          this.#count(counted, -1);
          shown[Symbol.dispose]();
          this.#idle.emit("idle");
        }
      },
    };
  }

  #refuse({ user, agent }: Counted): void {
    const { perUser, perAgent, total } = this.#limits;
    if (user !== undefined && (this.#ofUsers.get(user) ?? 0) >= perUser) {
      throw this.#hit("runs_per_user", `${quote(user)} has ${perUser} runs here, which is all that a user may have`);
    }
    if (agent !== undefined && (this.#ofAgents.get(agent) ?? 0) >= perAgent) {
      throw this.#hit("runs_per_agent", `${titleOf(agent)} has ${perAgent} runs, which is all that one may have`);
    }
    if (user !== undefined && this.#ofClients >= total) {
      throw this.#hit("runs_total", `dutserver forwards ${total} runs, which is all that it may`);
    }
  }

  #hit(limit: LimitName, message: string): DutError {
    this.#metrics.limitHit(limit);
    return new DutError("resource_exhausted", message, { hint: "wait for one of them to end" });
  }

  #count({ user, agent }: Counted, change: 1 | -1): void {
    if (user !== undefined) {
      add(this.#ofUsers, user, change);
      this.#ofClients += change;
    }
    if (agent !== undefined) {
      add(this.#ofAgents, agent, change);
    }
    this.#all += change;
  }
}

function add(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) {
    counts.delete(key);
  } else {
    counts.set(key, count);
  }
}
