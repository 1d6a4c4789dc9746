import { once } from "node:events";
import { DutError, explain } from "#pkg/errors/dut-error.ts";
import { silentLog } from "#pkg/log/log.ts";
import type { Call } from "#pkg/modules/module.ts";
import { Conversation } from "../../conversation.ts";
import type { Outcome } from "../../run-event.ts";
import type { Plan, Step } from "../plan.ts";
import { runPlan } from "../run-plan.ts";

export type Work = (call: Call) => Promise<void>;

export const step = (name: string, when: Step["when"], run: Work): Step => ({
  name,
  when,
  args: [],
  module: { run, [Symbol.asyncDispose]: async () => {} },
});

export const says =
  (text: string): Work =>
  ({ session }) =>
    session.print(text);

export const fails =
  (text: string): Work =>
  () =>
    Promise.reject(new DutError("unavailable", text));

export const untilStopped: Work = async ({ signal }) => {
  await once(signal, "abort");
  throw signal.reason;
};

/** Says that it was begun, and then whatever else. */
export const begins =
  (work: Work): Work =>
  async (call) => {
    await call.session.print("begun");
    await work(call);
  };

/** A plan on its way. */
export function carriedOut(
  steps: readonly Step[],
  { timeoutMs, retries = 0, retryAfterMs }: Partial<Omit<Plan, "steps">> = {},
) {
  const conversation = new Conversation(silentLog);
  conversation.journal.attach(0);
  const control = new AbortController();
  const plan = { steps, timeoutMs, retries, retryAfterMs };
  const { outcome, stopped } = runPlan(plan, conversation, control.signal, silentLog);
  return {
    conversation,
    stopped,
    outcome: outcome.then(inWords),
    status: outcome.then(({ exitStatus }) => exitStatus),
    stop(reason: DutError) {
      control.abort(reason);
      conversation.stop(reason);
    },
    /** Everything that was said, in words. */
    said: () => saidIn(conversation),
  };
}

export function saidIn({ journal }: Conversation): string[] {
  const said: string[] = [];
  for (let entry = journal.next(); entry !== undefined; entry = journal.next()) {
    const { event } = entry;
    if (event.kind === "notice") {
      said.push(`notice: ${event.text}`);
    } else if ("bytes" in event) {
      said.push(Buffer.from(event.bytes).toString());
    } else {
      said.push(event.kind);
    }
  }
  return said;
}

export function inWords({ error }: Outcome): string {
  return error === undefined ? "well" : `${error.code}: ${explain(error)}`;
}

/** Lets everything happen that needs no timer. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

export const canceled = new DutError("canceled", "interrupted");
