import { setTimeout as sleep } from "node:timers/promises";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import type { End, FileRequest, RunResponse, Started } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { brokeInTheMiddle, saidByPeer } from "#pkg/protocol/grpc/status.ts";
import type { Context } from "../context.ts";
import { abortable } from "./abortable.ts";
import { RunLost, throwUnlessSucceeded } from "./endings.ts";
import { Link, type Message } from "./link.ts";
import { RunInput } from "./run-input.ts";
import type { Stage } from "./stage.ts";
import { Transcript } from "./transcript.ts";
import { Upload } from "./upload.ts";

/** How a run is come by. */
export type Opening =
  | { readonly kind: "start"; readonly command: string; readonly args: readonly string[] }
  | { readonly kind: "attach" };

export interface LabRunOptions {
  readonly device: string;
  readonly runId: string;
  readonly opening: Opening;
  /** How long a run is looked for again when its connection was lost, in milliseconds. */
  readonly graceMs: number;
  readonly stage: Omit<Stage, keyof AsyncDisposable>;
}

/** Output is reported as dealt with at least this often, in bytes. */
const takenBytes = 64 * 1024;

/** In milliseconds. */
const patience = {
  /** Until the user is told that the agent does not answer. */
  silence: 5_000,
  /** For the end of a run that was asked to stop; modules have their own seconds to stop what they began. */
  stopping: 30_000,
  /** The same for one that has not begun as far as we know. */
  unanswered: 1_000,
  /** For the answer to an attempt to attach again. */
  attempt: 10_000,
  /** For the peer to close a call that has ended. */
  closing: 1_000,
  /** Between two attempts: at first, and at most. */
  firstPause: 100,
  longestPause: 3_000,
} as const;

/** One run of ours over as many connections as it takes. */
export class LabRun implements AsyncDisposable {
  readonly #context: Context;
  readonly #options: LabRunOptions;
  readonly #transcript: Transcript;
  readonly #input: RunInput;
  /** Aborted when the end of the run is not waited for any more. */
  readonly #leave = new AbortController();
  readonly #open = new AsyncDisposableStack();
  #link: Link | undefined;
  #upload: Upload | undefined;
  #fileWindow = 0;
  #taken = 0;
  /** Whether the agent may have begun: then nobody but it knows what became of the run. */
  #begun = false;
  /** What we end the run for. `deaf` when there is nobody any more to show anything to. */
  #verdict: { readonly reason: unknown; readonly deaf: boolean; readonly ask: Message } | undefined;

  constructor(context: Context, options: LabRunOptions) {
    this.#context = context;
    this.#options = options;
    const patiently = abortable(this.#leave.signal);
    const request = (wanted: FileRequest) => this.#answer(wanted);
    this.#transcript = this.#open.use(
      new Transcript(options.stage, { late: options.opening.kind === "attach", request, patiently }),
    );
    this.#input = new RunInput(options.stage.console.input, (reason) => this.#giveUp(reason, { deaf: true }));
  }

  /**
   * Resolves when the command has succeeded. Throws the refusal of a run that was not begun, CommandFailed, RunLost, or
   * what the run was ended for from here.
   */
  async run(): Promise<void> {
    this.#listen();
    let opening = this.#options.opening;
    let lost: { readonly since: number; attempts: number } | undefined;
    for (;;) {
      const outcome = await this.#converse(opening, lost !== undefined, async () => {
        if (lost !== undefined) {
          lost = undefined;
          await this.#options.stage.note("attached to the run again");
        }
      });
      if (outcome.kind === "ended") {
        return this.#conclude(outcome.end);
      }
      const since = lost?.since ?? performance.now();
      if (lost === undefined) {
        await this.#tellLoss(outcome.reason);
      }
      lost = { since, attempts: (lost?.attempts ?? 0) + 1 };
      await this.#pause(lost.attempts, since + this.#options.graceMs, outcome.reason);
      opening = { kind: "attach" };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave.abort(new DutError("canceled", "the run is over"));
    this.#link?.[Symbol.dispose]();
    await this.#upload?.[Symbol.asyncDispose]();
    await this.#open.disposeAsync();
  }

  #listen(): void {
    const { world } = this.#context;
    const { console } = this.#options.stage;
    const stop = (signal: AbortSignal, say: string) => {
      const onStop = () => {
        const { reason } = signal;
        this.#giveUp(reason instanceof DutError ? reason : new DutError("canceled", "interrupted"), { deaf: false });
        if (!this.#leave.signal.aborted) {
          void this.#options.stage.note(say).catch(() => {});
        }
      };
      if (signal.aborted) {
        onStop();
      }
      signal.addEventListener("abort", onStop);
      this.#open.defer(() => signal.removeEventListener("abort", onStop));
    };
    stop(world.signal, "waiting for the command to stop; Ctrl-C leaves at once");
    stop(console.left, "left the console; waiting for the command to stop; Ctrl-C leaves at once");
    this.#open.use(console.onResize((size) => this.#link?.send({ case: "resize", value: { ...size } })));
    const signals = world.onSignal?.((name) => this.#link?.send({ case: "signal", value: { name } }));
    if (signals !== undefined) {
      this.#open.use(signals);
    }
  }

  /** One connection, from its first message to the end of the run or of the connection. Throws a refusal. */
  async #converse(opening: Opening, again: boolean, onStarted: () => Promise<void>): Promise<Outcome> {
    const { device, stage } = this.#options;
    const { console } = stage;
    using link = new Link(device, this.#firstMessage(opening));
    this.#link = link;
    const { runs } = this.#context.connection;
    const signal = AbortSignal.any([this.#leave.signal, link.signal]);
    const responses = (opening.kind === "start" ? runs.run : runs.attach)(link.queue, { signal });
    using timers = new DisposableStack();
    const after = (ms: number, act: () => void) => {
      const timer = setTimeout(act, ms);
      timers.defer(() => clearTimeout(timer));
      return () => clearTimeout(timer);
    };
    const started = again
      ? after(patience.attempt, () => link[Symbol.dispose]())
      : after(patience.silence, () => console.waiting(`${this.#context.server} has not answered yet`));
    let end: End | undefined;
    try {
      for await (const response of responses) {
        const { msg } = response;
        if (msg.case === "started") {
          started();
          console.waiting(undefined);
          await onStarted();
          this.#resume(msg.value, link);
        } else if (msg.case === "end") {
          end = msg.value;
          link.queue.close();
          after(patience.closing, () => link[Symbol.dispose]());
        } else {
          await this.#hear(response, link);
        }
      }
    } catch (error) {
      if (end === undefined) {
        return this.#lossOf(error, link, again);
      }
    } finally {
      console.waiting(undefined);
      this.#link = undefined;
    }
    return end === undefined ? { kind: "lost", reason: "the call ended before the run" } : { kind: "ended", end };
  }

  #firstMessage(opening: Opening): Message {
    const { runId, graceMs, stage } = this.#options;
    const { console } = stage;
    const terminal = console.terminal === undefined ? {} : { terminal: { ...console.terminal } };
    if (opening.kind === "attach") {
      return { case: "resume", value: { runId, offset: BigInt(this.#transcript.offset), ...terminal } };
    }
    const { command, args } = opening;
    return { case: "start", value: { runId, command, args: [...args], graceMs: BigInt(graceMs), ...terminal } };
  }

  /** Goes on with everything where the agent stands. */
  #resume(started: Started, link: Link): void {
    this.#begun = true;
    this.#fileWindow = Number(started.fileWindow);
    const { inputOffset, inputEnded: ended, inputWindow, file } = started;
    this.#input.resume({ offset: Number(inputOffset), ended, window: Number(inputWindow) }, link);
    if (file !== undefined && file.transfer === this.#upload?.transfer) {
      this.#send(this.#upload, Number(file.offset), link);
    }
    if (this.#verdict !== undefined) {
      link.send(this.#verdict.ask);
    }
  }

  async #hear(response: RunResponse, link: Link): Promise<void> {
    const { msg } = response;
    if (msg.case === "inputTaken") {
      this.#input.taken(Number(msg.value.offset));
    } else if (msg.case === "fileTaken") {
      if (msg.value.transfer === this.#upload?.transfer) {
        this.#upload.taken(Number(msg.value.offset));
      }
    } else if (this.#verdict?.deaf === true) {
      this.#transcript.skip(response);
    } else {
      await this.#transcript.follow(response).catch((error: unknown) => this.#giveUp(error, { deaf: true }));
    }
    if (this.#transcript.offset - this.#taken >= takenBytes) {
      this.#taken = this.#transcript.offset;
      link.send({ case: "taken", value: { offset: BigInt(this.#taken) } });
    }
  }

  /** Opens the file that the agent asks for and sends it beside everything else. */
  async #answer({ transfer, name }: FileRequest): Promise<void> {
    await this.#upload?.[Symbol.asyncDispose]();
    this.#upload = undefined;
    try {
      this.#upload = await Upload.open({ transfer, name }, this.#options.stage.desk, this.#fileWindow);
    } catch (error) {
      this.#refuse(transfer, error);
      return;
    }
    if (this.#link !== undefined) {
      this.#send(this.#upload, 0, this.#link);
    }
  }

  #send(upload: Upload, from: number, link: Link): void {
    upload.send(from, link).catch((error: unknown) => this.#refuse(upload.transfer, error));
  }

  #refuse(transfer: number, reason: unknown): void {
    const code = reason instanceof DutError ? reason.code : "unknown";
    const ask: Message = { case: "fileRefusal", value: { transfer, code, message: messageOf(reason) } };
    this.#giveUp(reason, { deaf: true, ask });
  }

  /** Ends the run for a reason of ours: asks for it and lets the end be waited for, within bounds. The first reason counts. */
  #giveUp(reason: unknown, { deaf, ask }: { readonly deaf: boolean; readonly ask?: Message }): void {
    if (this.#verdict !== undefined) {
      return;
    }
    const cancel: Message = { case: "cancel", value: { reason: messageOf(reason).slice(0, 1000) } };
    this.#verdict = { reason, deaf, ask: ask ?? cancel };
    const link = this.#link;
    if (!this.#begun && link?.begun !== true) {
      this.#leave.abort(reason);
      return;
    }
    link?.send(this.#verdict.ask);
    const timer = setTimeout(() => this.#leave.abort(reason), this.#begun ? patience.stopping : patience.unanswered);
    this.#open.defer(() => clearTimeout(timer));
  }

  async #conclude(end: End): Promise<void> {
    const { out } = this.#options.stage.desk;
    const { exitStatus, code, message, hint } = end;
    await out.write({ type: "run-end", data: { exitStatus, code, message, hint } });
    if (this.#verdict !== undefined) {
      throw this.#verdict.reason;
    }
    throwUnlessSucceeded(end);
  }

  /** What an error of the call means for the run. Throws it, unless the run may go on without us. */
  async #lossOf(error: unknown, link: Link, again: boolean): Promise<Outcome> {
    if (this.#leave.signal.aborted) {
      throw this.#verdict?.reason ?? error;
    }
    if (link.signal.aborted) {
      return { kind: "lost", reason: "no answer" };
    }
    if (!(error instanceof DutError)) {
      throw error;
    }
    const said = saidByPeer(error);
    if (again && error.code === "not_found" && (await this.#deviceIsKnown())) {
      throw new RunLost(this.#context.server, "the agent does not know the run any more", error);
    }
    const lost =
      (this.#begun && (!said || error.code === "unavailable")) ||
      (again && error.code === "not_found") ||
      (link.begun && brokeInTheMiddle(error));
    if (!lost) {
      throw error;
    }
    this.#begun = true;
    return { kind: "lost", reason: error.message };
  }

  /** A server that was started anew does not know its agents at once: that is no news of the run. */
  async #deviceIsKnown(): Promise<boolean> {
    const { devices } = this.#context.connection;
    const { device } = this.#options;
    return devices.commands({ device }, { signal: this.#leave.signal, timeoutMs: patience.attempt }).then(
      () => true,
      () => false,
    );
  }

  async #tellLoss(reason: string): Promise<void> {
    const { graceMs, stage } = this.#options;
    if (graceMs > 0) {
      const { server } = this.#context;
      await stage.note(
        `lost the connection to ${server} (${reason}): trying for ${formatDuration(graceMs)} to attach again`,
      );
    }
  }

  /** Waits before the next attempt. Throws RunLost when there is no time for one. */
  async #pause(attempts: number, until: number, reason: string): Promise<void> {
    const left = until - performance.now();
    if (left <= 0) {
      throw this.#verdict?.reason ?? new RunLost(this.#context.server, reason, undefined);
    }
    const longest = Math.min(patience.firstPause * 2 ** (attempts - 1), patience.longestPause);
    const signal = this.#leave.signal;
    // Spread out, because everybody who was cut off by the same fault comes back at the same time.
    await sleep(Math.min(longest * (0.5 + Math.random() / 2), left), undefined, { signal }).catch(() => {
      throw this.#verdict?.reason ?? signal.reason;
    });
  }
}

type Outcome = { readonly kind: "ended"; readonly end: End } | { readonly kind: "lost"; readonly reason: string };
