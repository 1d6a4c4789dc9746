import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Link, Message } from "./link.ts";

/**
 * For the end of a run that was asked to stop, in milliseconds; its modules have seconds of their own to end what they
 * began, and a third of a minute for what they do in any case.
 */
const stoppingMs = 45_000;
/** The same for a run that has not begun as far as we know: a user who interrupts it is back within a second. */
const unansweredMs = 700;

/** What we know of the other side when we want the run to end. */
export interface Standing {
  /** Undefined while there is no connection. */
  readonly link: Link | undefined;
  /** The agent has said that the run is there. */
  readonly begun: boolean;
}

export interface StopOptions {
  /** Nobody is left to show anything to, or what comes is not to be trusted. */
  readonly deaf: boolean;
  /** What asks the agent for it; default a cancel. */
  readonly ask?: Message;
}

/** Why and how a run is ended from here. The first reason counts. */
export class Stop implements Disposable {
  readonly #leave = new AbortController();
  #verdict: { readonly reason: unknown; readonly deaf: boolean; readonly ask: Message } | undefined;
  #patience: NodeJS.Timeout | undefined;

  /** Aborted when the end of the run is not waited for any more. */
  get leave(): AbortSignal {
    return this.#leave.signal;
  }

  get verdict(): { readonly reason: unknown } | undefined {
    return this.#verdict;
  }

  get deaf(): boolean {
    return this.#verdict?.deaf === true;
  }

  /** Asks for the end and lets it be waited for, within bounds. A run that cannot have begun is left at once. */
  give(reason: unknown, { deaf, ask }: StopOptions, { link, begun }: Standing): void {
    if (this.#verdict !== undefined) {
      return;
    }
    const cancel: Message = { case: "cancel", value: { reason: messageOf(reason).slice(0, 1000) } };
    this.#verdict = { reason, deaf, ask: ask ?? cancel };
    if (!begun && link?.begun !== true) {
      this.#leave.abort(reason);
      return;
    }
    if (link !== undefined) {
      this.repeat(link);
    }
    this.#patience = setTimeout(() => this.#leave.abort(reason), begun ? stoppingMs : unansweredMs);
  }

  /** Asks again over a new connection, if there is a reason to. */
  repeat(link: Link): void {
    if (this.#verdict !== undefined) {
      link.send(this.#verdict.ask);
    }
  }

  throwIfGiven(): void {
    if (this.#verdict !== undefined) {
      throw this.#verdict.reason;
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#patience);
    this.#leave.abort(new DutError("canceled", "the run is over"));
  }
}
