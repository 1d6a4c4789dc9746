import { DutError } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import type { AgentBook, Arrival, Attached, Loss } from "./agent-book.ts";

/** A session of an agent here, as far as the store is to be told of it. */
export interface Entrant {
  readonly arrival: Arrival;
  readonly epoch: number;
  /** What the store was told in the end. */
  entered(attached: Attached): void;
}

export interface OverdueOptions {
  readonly book: AgentBook;
  /** Undefined for an agent that is not here. */
  readonly entrantOf: (agent: string) => Entrant | undefined;
  /** One after another for each agent. */
  readonly inTurn: (agent: string, work: () => Promise<void>) => Promise<void>;
  readonly log: Log;
}

/** What the store is still to be told of agents, because it took nothing when it happened. */
export class Overdue {
  readonly #options: OverdueOptions;
  readonly #losses = new Map<string, Loss>();
  readonly #sessions = new Set<string>();

  constructor(options: OverdueOptions) {
    this.#options = options;
  }

  /** How an agent was lost of which the store still says that it is here. */
  lossOf(agent: string): Loss | undefined {
    return this.#losses.get(agent);
  }

  /** Tells the store of a loss, now or when it takes changes again. */
  async lose(agent: string, loss: Loss): Promise<void> {
    this.#losses.set(agent, loss);
    await this.#tellLoss(agent);
  }

  /** The store has not all of an agent that is here. */
  miss(agent: string): void {
    this.#losses.delete(agent);
    this.#sessions.add(agent);
  }

  /** The store has all of it. */
  settle(agent: string): void {
    this.#losses.delete(agent);
    this.#sessions.delete(agent);
  }

  /** Whether the store has not all of an agent that is here. */
  misses(agent: string): boolean {
    return this.#sessions.has(agent);
  }

  /** The store takes changes again. */
  catchUp(): void {
    const { inTurn } = this.#options;
    for (const agent of this.#losses.keys()) {
      void inTurn(agent, () => this.#tellLoss(agent));
    }
    for (const agent of this.#sessions) {
      void inTurn(agent, () => this.#tellSession(agent));
    }
  }

  forget(): void {
    this.#losses.clear();
    this.#sessions.clear();
  }

  async #tellLoss(agent: string): Promise<void> {
    const { book, log } = this.#options;
    const loss = this.#losses.get(agent);
    if (loss === undefined) {
      return;
    }
    try {
      await book.lose(agent, loss);
      this.#losses.delete(agent);
    } catch (error) {
      log.warn("the end of a session is not in the store yet", { agent, err: error });
    }
  }

  async #tellSession(agent: string): Promise<void> {
    const { book, entrantOf, log } = this.#options;
    const entrant = entrantOf(agent);
    if (entrant === undefined || !this.#sessions.delete(agent)) {
      return;
    }
    try {
      entrant.entered(await book.catchUp(entrant.arrival, entrant.epoch));
    } catch (error) {
      if (error instanceof DutError && error.code === "failed_precondition") {
        // Another server has the agent by now, and knows more.
        return;
      }
      this.#sessions.add(agent);
      log.warn("a session is not in the store yet", { agent, err: error });
    }
  }
}
