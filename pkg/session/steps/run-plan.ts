import { explain } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import type { Log } from "#pkg/log/log.ts";
import type { Conversation } from "../conversation.ts";
import { success } from "../outcome.ts";
import type { Outcome } from "../run-event.ts";
import { attempt, type Course } from "./attempt.ts";
import { elapses } from "./limits.ts";
import type { Plan } from "./plan.ts";

/** A plan that is being carried out. */
interface Carrying {
  /** What becomes of it; never rejects. A module that does not stop is not waited for. */
  readonly outcome: Promise<Outcome>;
  /** Resolves after that, when the last module has really stopped; never rejects. */
  readonly stopped: Promise<void>;
}

/** Carries out a plan until it has succeeded, has failed for good, or the signal aborts. */
export function runPlan(plan: Plan, conversation: Conversation, signal: AbortSignal, log: Log): Carrying {
  const course: Course = { plan, conversation, signal, log, stragglers: [] };
  const outcome = repeated(course);
  return { outcome, stopped: outcome.then(async () => void (await Promise.all(course.stragglers))) };
}

async function repeated(course: Course): Promise<Outcome> {
  const { plan, conversation, signal, log } = course;
  const { retryAfterMs } = plan;
  const most = plan.retries + 1;
  const again = `trying again${retryAfterMs === undefined ? "" : ` in ${formatDuration(retryAfterMs)}`}`;
  const tell = (text: string) => conversation.journal.say({ kind: "notice", text });
  for (let number = 1; ; number++) {
    const failure = await attempt(course);
    if (failure === undefined) {
      log.debug("all modules finished successfully");
      return success;
    }
    const { outcome, final } = failure;
    if (number === most) {
      return outcome;
    }
    const why = `attempt ${number} of ${most} failed: ${explain(outcome.error)}`;
    tell(`${why}; ${final === undefined ? again : `not tried again: ${final}`}`);
    if (final !== undefined) {
      return outcome;
    }
    log.warn("attempt failed", { attempt: number, attempts: most, err: explain(outcome.error) });
    if (retryAfterMs !== undefined && !(await elapses(retryAfterMs, signal))) {
      tell("not tried again: the run was stopped");
      return outcome;
    }
  }
}
