import { DutError, type DutErrorCode, explain } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import type { Log } from "#pkg/log/log.ts";
import type { Conversation } from "../conversation.ts";
import { outcomeOf, stoppedBy } from "../outcome.ts";
import type { Outcome } from "../run-event.ts";
import { type Limit, limitOf, outlasting, settles } from "./limits.ts";
import { isPlain, type Plan, type Step, titleOf } from "./plan.ts";
import { stepSession } from "./step-session.ts";

/** How long a module that is to stop is waited for, in milliseconds. */
export const stopMs = 12_000;

/** What the steps that are due in any case have together once the run was stopped, in milliseconds. */
const lastingMs = 20_000;

/** Faults that another attempt meets again; a device locks out who gives it a wrong password again and again. */
const lastingFaults: { readonly [code in DutErrorCode]?: string } = {
  invalid_argument: "its arguments stay the same",
  unauthenticated: "its credentials stay the same",
};

/** What the attempts of a run share. */
export interface Course {
  readonly plan: Plan;
  readonly conversation: Conversation;
  /** Aborted when the run is to end. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Takes the work of modules that were told to stop and did not, until they do. */
  readonly stragglers: Promise<void>[];
}

/** What went wrong first. */
export interface Failure {
  readonly outcome: Outcome;
  /** Why there is no use in another attempt, in a clause; undefined when there may be. */
  readonly final: string | undefined;
}

/** The steps in order, once: after a failure or a stop those that are due then. Undefined when all went well. */
export async function attempt(course: Course): Promise<Failure | undefined> {
  using going = new Attempt(course);
  return await going.run();
}

class Attempt implements Disposable {
  readonly #course: Course;
  /** Typed by the user and read by modules before this attempt, in bytes. */
  readonly #inputBefore: number;
  readonly #limit: Limit;
  /** Ends what is due while all goes well. */
  readonly #stop: AbortSignal;
  /** Ends what is due after that. */
  readonly #lasting: Limit;
  /** A client that takes nothing does not keep a board from being switched off. */
  readonly #hurry = () => this.#course.conversation.journal.hurry();
  #current = 0;
  #failure: Outcome | undefined;
  #fileLost = false;
  #straggles = false;

  constructor(course: Course) {
    const { plan, signal, conversation } = course;
    this.#course = course;
    this.#inputBefore = conversation.stdin.taken;
    this.#limit = limitOf(plan.timeoutMs, () => this.#tooLate());
    this.#stop = AbortSignal.any([signal, this.#limit.signal]);
    this.#lasting = outlasting(
      this.#stop,
      lastingMs,
      () => new DutError("deadline_exceeded", `the run was stopped ${formatDuration(lastingMs)} ago, its time is over`),
    );
    if (this.#stop.aborted) {
      this.#hurry();
    } else {
      this.#stop.addEventListener("abort", this.#hurry, { once: true });
    }
  }

  async run(): Promise<Failure | undefined> {
    const { steps } = this.#course.plan;
    for (const [index, step] of steps.entries()) {
      this.#noticeStop();
      if (this.#isDue(step)) {
        this.#current = index;
        await this.#take(step, index);
      }
    }
    this.#noticeStop();
    return this.#failure && { outcome: this.#failure, final: this.#whyFinal(this.#failure) };
  }

  [Symbol.dispose](): void {
    this.#limit[Symbol.dispose]();
    this.#lasting[Symbol.dispose]();
    this.#stop.removeEventListener("abort", this.#hurry);
    this.#course.conversation.journal.calm();
  }

  #isDue({ when }: Step): boolean {
    return when === "always" || (when === "success") === (this.#failure === undefined);
  }

  async #take(step: Step, index: number): Promise<void> {
    const title = titleOf(this.#course.plan, index);
    const signal = step.when === "success" ? this.#stop : this.#lasting.signal;
    if (signal.aborted) {
      this.#tell(`${title}, is left out: ${explain(signal.reason)}`);
      return;
    }
    if (this.#stop.aborted) {
      this.#tell(`the run was stopped; ${title}, still runs`);
    }
    try {
      await this.#runStep(step, index, signal);
    } catch (error) {
      this.#noticeStop();
      if (this.#failure === undefined) {
        this.#failure = outcomeOf(error, isPlain(this.#course.plan) ? undefined : title);
      } else if (step.when !== "success") {
        this.#tell(`${title}, failed too: ${explain(error)}`);
      }
    }
  }

  async #runStep({ name, module, args }: Step, index: number, signal: AbortSignal): Promise<void> {
    const { plan, conversation, log } = this.#course;
    const total = plan.steps.length;
    const scoped = log.with({ scope: "module", module: name, "module-index": index, "modules-total": total });
    scoped.debug("running module");
    const session = stepSession(conversation, signal);
    const running = (async () => module.run({ args, session, signal, log: scoped, hold: plan.hold }))();
    if (!(await settles(running, signal, stopMs))) {
      scoped.error("a module does not stop, its device stays held");
      this.#straggles = true;
      this.#course.stragglers.push(running.catch(() => undefined));
      throw signal.reason;
    }
    await running.catch((error: unknown) => {
      scoped.warn("module failed", { err: error });
      throw error;
    });
  }

  /** A run that was stopped says why, whatever its modules made of it. */
  #noticeStop(): void {
    if (this.#stop.aborted) {
      this.#failure ??= stoppedBy(this.#stop.reason);
    }
  }

  #tooLate(): DutError {
    const { plan, conversation } = this.#course;
    const limit = formatDuration(plan.timeoutMs ?? 0);
    const reason = new DutError(
      "deadline_exceeded",
      `the command took longer than its timeout of ${limit}, in ${titleOf(plan, this.#current)}`,
    );
    this.#fileLost = conversation.withdrawRequest(reason);
    return reason;
  }

  #whyFinal({ error }: Outcome): string | undefined {
    const { conversation, signal } = this.#course;
    const cause = error?.cause ?? error;
    if (signal.aborted) {
      return "the run was stopped";
    }
    if (cause instanceof DutError && lastingFaults[cause.code] !== undefined) {
      return lastingFaults[cause.code];
    }
    if (this.#straggles) {
      return "a module does not stop";
    }
    if (conversation.stdin.taken !== this.#inputBefore) {
      return "what was typed is not typed again";
    }
    return this.#fileLost || conversation.awaitsFile ? "a file was on its way" : undefined;
  }

  #tell(text: string): void {
    this.#course.log.info(text);
    this.#course.conversation.journal.say({ kind: "notice", text });
  }
}
