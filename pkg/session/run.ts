import { DutError } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Log } from "#pkg/log/log.ts";
import type { TerminalSize } from "#pkg/modules/session.ts";
import { Attachment } from "./attachment.ts";
import { ClientTerminal } from "./client-terminal.ts";
import { Conversation } from "./conversation.ts";
import type { Outcome } from "./run-event.ts";
import type { Plan } from "./steps/plan.ts";
import { runPlan } from "./steps/run-plan.ts";

/** What is known of a run from the beginning. */
export interface RunFacts {
  readonly id: string;
  readonly device: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The name under which the device is held. */
  readonly owner: string;
  /** Unix time in milliseconds. */
  readonly since: number;
  readonly terminal: { readonly type: string; readonly size: TerminalSize } | undefined;
  /** How long it goes on without a client, in milliseconds. */
  readonly graceMs: number;
}

type Client =
  | { readonly kind: "attached"; readonly attachment: Attachment }
  | { readonly kind: "absent"; readonly graceUntil: number; readonly timer: NodeJS.Timeout | undefined };

/** One execution of one command, with at most one client at a time. */
export class Run {
  readonly facts: RunFacts;
  readonly conversation: Conversation;
  /** Resolves when it is known what became of the run; never rejects. After a stop that is a matter of seconds. */
  readonly over: Promise<void>;
  /** Resolves after that, when the last module has really stopped, however the run ended; never rejects. */
  readonly stopped: Promise<void>;
  readonly #control = new AbortController();
  readonly #log: Log;
  #client: Client;
  #outcome: Outcome | undefined;
  #heard = false;

  /** Begins with the plan. The first client is there at once. */
  constructor(facts: RunFacts, plan: Plan, log: Log) {
    this.facts = facts;
    this.#log = log;
    const { terminal } = facts;
    this.conversation = new Conversation(log, terminal && new ClientTerminal(terminal.type, terminal.size));
    this.#client = { kind: "attached", attachment: new Attachment(this) };
    this.conversation.journal.attach(0);
    const { outcome, stopped } = runPlan(plan, this.conversation, this.#control.signal, log);
    this.over = outcome.then((became) => this.#end(became));
    this.stopped = this.over.then(() => stopped);
  }

  get client(): Attachment | undefined {
    return this.#client.kind === "attached" ? this.#client.attachment : undefined;
  }

  /** When an absent client's grace is over, in Unix time of milliseconds; 0 for an attached run. */
  get graceUntil(): number {
    return this.#client.kind === "absent" ? this.#client.graceUntil : 0;
  }

  /** Undefined while it goes on. */
  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  /** Whether a client has heard the end, as far as the wire can tell. */
  get heard(): boolean {
    return this.#heard;
  }

  /** Ends the run early; `reason` becomes its outcome, unless it has failed already. What is due in any case still runs. */
  stop(reason: unknown): void {
    const { signal } = this.#control;
    if (signal.aborted || this.#outcome !== undefined) {
      return;
    }
    this.#control.abort(reason);
    this.conversation.stop(reason);
  }

  /**
   * A client takes the run over, from an offset of its output; the one before is told so. Throws invalid_argument for an
   * offset that is not there yet.
   */
  attach(offset: number, size: TerminalSize | undefined): Attachment {
    const { journal, awaitsFile } = this.conversation;
    journal.attach(offset, { asksAgain: awaitsFile });
    this.conversation.startOfClient();
    this.#release(new DutError("aborted", `another client has taken over run ${quote(this.facts.id)}`));
    const attachment = new Attachment(this);
    this.#client = { kind: "attached", attachment };
    if (size !== undefined) {
      this.conversation.resize(size);
    }
    if (this.conversation.raw) {
      journal.say({ kind: "raw-mode", on: true });
    }
    return attachment;
  }

  /** For the attachment: its client is gone. */
  lose(attachment: Attachment, reason: unknown): void {
    if (this.client !== attachment) {
      return;
    }
    const { graceMs } = this.facts;
    const graced = graceMs > 0 && this.#outcome === undefined && !this.#control.signal.aborted;
    const over = () =>
      this.stop(new DutError("canceled", `the client was gone for ${formatDuration(graceMs)}, its grace is over`));
    this.#client = {
      kind: "absent",
      graceUntil: graced ? Date.now() + graceMs : 0,
      timer: graced ? setTimeout(over, graceMs) : undefined,
    };
    this.conversation.journal.detach();
    if (graced) {
      this.#log.info("the client is gone, its run goes on for a while", { grace: formatDuration(graceMs) });
    } else {
      this.stop(reason);
    }
  }

  /** For the attachment: its client has heard the end. */
  acknowledge(): void {
    this.#heard = true;
  }

  /** An attached client takes nothing: the run ends for this reason, and the client, if it ever listens, hears it. */
  endStalled(reason: DutError): void {
    const { client } = this;
    this.stop(reason);
    if (client !== undefined) {
      client.end(reason);
      this.#client = { kind: "absent", graceUntil: 0, timer: undefined };
      this.conversation.journal.detach();
    }
  }

  #release(reason: DutError): void {
    if (this.#client.kind === "attached") {
      this.#client.attachment.end(reason);
    } else {
      clearTimeout(this.#client.timer);
    }
  }

  #end(outcome: Outcome): void {
    if (this.#outcome === undefined) {
      this.#outcome = outcome;
      if (this.#client.kind === "absent") {
        clearTimeout(this.#client.timer);
      }
      this.conversation.end(outcome);
    }
  }
}
