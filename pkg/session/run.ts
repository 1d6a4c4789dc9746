import { DutError, type DutErrorCode, explain } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import type { OpenModule } from "#pkg/modules/module.ts";
import { Conversation } from "./conversation.ts";

/** How long a stopped module may take until its client is told without waiting for it. The device stays held. */
const stopMs = 12_000;

/** One module of a run with the arguments that it gets. */
export interface Step {
  readonly name: string;
  readonly module: OpenModule;
  readonly args: readonly string[];
}

/** One execution of one command. It goes on whether or not anybody takes its events. */
export interface Run {
  readonly conversation: Conversation;
  /** Resolves when the last module has really stopped, however the run ended; never rejects. */
  readonly stopped: Promise<void>;
  /** Ends the run early; `reason` becomes its outcome. */
  stop(reason: unknown): void;
}

/** Starts the steps, one after another; the first that fails ends the run. */
export function startRun(steps: readonly Step[], log: Log): Run {
  const control = new AbortController();
  const conversation = new Conversation(log);
  const stopped = runSteps(steps, conversation, control.signal, log).then(
    () => conversation.end(),
    (error: unknown) => conversation.end(outcomeOf(error, control.signal)),
  );
  return {
    conversation,
    stopped,
    stop(reason) {
      if (control.signal.aborted) {
        return;
      }
      control.abort(reason);
      conversation.stop(reason);
      const patience = setTimeout(() => {
        log.error("a module does not stop, its device stays held");
        conversation.end(outcomeOf(reason, control.signal));
      }, stopMs);
      void stopped.then(() => clearTimeout(patience));
    },
  };
}

async function runSteps(steps: readonly Step[], session: Conversation, signal: AbortSignal, log: Log): Promise<void> {
  for (const [index, { name, module, args }] of steps.entries()) {
    signal.throwIfAborted();
    const scoped = log.with({ scope: "module", module: name, "module-index": index, "modules-total": steps.length });
    scoped.debug("running module");
    try {
      await module.run({ args, session, signal, log: scoped });
    } catch (error) {
      scoped.warn("module failed", { err: error });
      throw error;
    }
  }
  log.debug("all modules finished successfully");
}

/** Ways of ending early that keep their code; a module's own failure is always "aborted". */
const stopCodes: ReadonlySet<DutErrorCode> = new Set([
  "canceled",
  "deadline_exceeded",
  "invalid_argument",
  "resource_exhausted",
  "aborted",
]);

/** A run that was stopped says why it was stopped, whatever its module threw on the way out. */
function outcomeOf(error: unknown, signal: AbortSignal): DutError {
  if (!signal.aborted) {
    return new DutError("aborted", `module failed: ${explain(error)}`, { cause: error });
  }
  const { reason } = signal;
  return reason instanceof DutError && stopCodes.has(reason.code)
    ? reason
    : new DutError("canceled", `module execution aborted: ${explain(reason)}`, { cause: reason });
}
