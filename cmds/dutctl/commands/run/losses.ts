import { DutError } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import { brokeInTheMiddle, saidByPeer } from "#pkg/protocol/grpc/status.ts";
import type { Context } from "../context.ts";
import { RunLost, TakenOver } from "./endings.ts";
import type { LabRunOptions } from "./lab-run.ts";
import type { Link } from "./link.ts";
import type { Stop } from "./stop.ts";

/** For the answer to an attempt to attach again, in milliseconds. */
export const attemptMs = 10_000;

/** What was known when a call of a run failed. */
export interface Failure {
  readonly link: Link;
  /** It was an attempt to attach again. */
  readonly again: boolean;
  /** The agent may have begun. */
  readonly begun: boolean;
}

/** Tells the losses of a run's connection from the ends of the run. */
export class Losses {
  readonly #context: Context;
  readonly #options: LabRunOptions;
  readonly #stop: Stop;
  #deviceWasKnown = false;

  constructor(context: Context, options: LabRunOptions, stop: Stop) {
    this.#context = context;
    this.#options = options;
    this.#stop = stop;
  }

  /** Why the connection is lost, when the run may go on without us. Throws what the error means for the run otherwise. */
  async reasonOf(error: unknown, { link, again, begun }: Failure): Promise<string> {
    if (this.#stop.leave.aborted) {
      this.#stop.throwIfGiven();
    }
    if (link.signal.aborted) {
      return "no answer";
    }
    if (!(error instanceof DutError)) {
      throw error;
    }
    const said = saidByPeer(error);
    if (again && error.code === "not_found") {
      await this.#judgeUnknown(error);
    }
    if (begun && said && error.code === "aborted") {
      throw new TakenOver(error, this.#options);
    }
    const isLoss =
      (begun && (!said || error.code === "unavailable")) ||
      (again && error.code === "not_found") ||
      (link.begun && brokeInTheMiddle(error));
    if (!isLoss) {
      throw error;
    }
    return error.message;
  }

  /** Tells the user of a loss, where the run goes on. */
  async tell(reason: string): Promise<void> {
    const { graceMs, stage } = this.#options;
    if (graceMs > 0) {
      const { server } = this.#context;
      await stage.note(
        `lost the connection to ${server} (${reason}): trying for ${formatDuration(graceMs)} to attach again`,
      );
    }
  }

  /**
   * A server that was started anew does not know its agents at once: that is no news of the run. Only one that knew the
   * device before it was asked for the run says by its answer that the agent does not have it. Throws RunLost then.
   */
  async #judgeUnknown(error: DutError): Promise<void> {
    const isKnown = await this.#deviceIsKnown();
    if (isKnown && this.#deviceWasKnown) {
      throw new RunLost(this.#context.server, "the agent does not know the run any more", error);
    }
    this.#deviceWasKnown = isKnown;
  }

  #deviceIsKnown(): Promise<boolean> {
    const { devices } = this.#context.connection;
    const { device } = this.#options;
    return devices.commands({ device }, { signal: this.#stop.leave, timeoutMs: attemptMs }).then(
      () => true,
      () => false,
    );
  }
}
