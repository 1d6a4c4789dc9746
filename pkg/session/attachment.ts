import { inputWindow } from "./console-input.ts";
import type { Run } from "./run.ts";
import type { Entry } from "./run-event.ts";
import { fileWindow } from "./upload.ts";

/** How much of what a client sent was read; told when it is worth a message. */
export type Credit =
  | { readonly kind: "input-taken"; readonly offset: number }
  | { readonly kind: "file-taken"; readonly transfer: number; readonly offset: number };

export type Said = { readonly kind: "entry"; readonly entry: Entry } | Credit;

/** The client of a run, of which there is at most one at a time. */
export class Attachment {
  readonly run: Run;
  /** Resolves when this is not the run's client any more, whoever ended that. */
  readonly over: Promise<void>;
  readonly #over = Promise.withResolvers<void>();
  #ended: { readonly reason: unknown } | undefined;
  #heard = 0;
  #inputTold = 0;
  #fileTold = { transfer: 0, offset: 0 };

  constructor(run: Run) {
    this.run = run;
    this.over = this.#over.promise;
  }

  /** Whether this is the run's client still. */
  get current(): boolean {
    return this.#ended === undefined;
  }

  /** Everything below has been handed out by `next`. */
  get heard(): number {
    return this.#heard;
  }

  /**
   * What the client is to hear next; undefined when it has heard the end. Rejects with the reason when this client is
   * not the run's any more.
   */
  async next(): Promise<Said | undefined> {
    const { journal } = this.run.conversation;
    for (;;) {
      if (this.#ended !== undefined) {
        throw this.#ended.reason;
      }
      const credit = this.#credit();
      if (credit !== undefined) {
        return credit;
      }
      const entry = journal.next();
      if (entry !== undefined) {
        this.#heard = entry.offset + entry.length;
        return { kind: "entry", entry };
      }
      if (journal.over) {
        return undefined;
      }
      await journal.news;
    }
  }

  /** The client has dealt with everything below an offset. Throws invalid_argument for what was not said yet. */
  take(offset: number): void {
    if (this.#ended === undefined) {
      this.run.conversation.journal.take(offset);
    }
  }

  /** The client has heard the end and wants nothing more: the run may be forgotten. */
  acknowledge(): void {
    if (this.#ended === undefined) {
      this.end(new Error("the client has left"));
      this.run.acknowledge();
    }
  }

  /** The client is gone. The run goes on for its grace; without one it is stopped for the reason. */
  lose(reason: unknown): void {
    if (this.#ended === undefined) {
      this.end(reason);
      this.run.lose(this, reason);
    }
  }

  /** This client is not the run's any more; it is told why. */
  end(reason: unknown): void {
    this.#ended ??= { reason };
    this.#over.resolve();
    this.run.conversation.journal.wake();
  }

  #credit(): Credit | undefined {
    const { stdin, upload } = this.run.conversation;
    if (stdin.taken - this.#inputTold >= inputWindow / 4) {
      this.#inputTold = stdin.taken;
      return { kind: "input-taken", offset: stdin.taken };
    }
    if (upload === undefined || upload.over) {
      return undefined;
    }
    const { transfer, taken } = upload;
    const told = this.#fileTold.transfer === transfer ? this.#fileTold.offset : 0;
    if (taken - told >= fileWindow / 4) {
      this.#fileTold = { transfer, offset: taken };
      return { kind: "file-taken", transfer, offset: taken };
    }
    return undefined;
  }
}
