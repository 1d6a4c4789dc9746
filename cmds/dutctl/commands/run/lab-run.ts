import { DutError } from "#pkg/errors/dut-error.ts";
import type { End, RunResponse, Started } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import type { Context } from "../context.ts";
import { abortable } from "./abortable.ts";
import { Absence } from "./absence.ts";
import { throwUnlessSucceeded } from "./endings.ts";
import { Link, type Message } from "./link.ts";
import { attemptMs, Losses } from "./losses.ts";
import { RunInput } from "./run-input.ts";
import type { Stage } from "./stage.ts";
import { Stop, type StopOptions } from "./stop.ts";
import { Transcript } from "./transcript.ts";
import { Uploads } from "./uploads.ts";

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

type Outcome = { readonly kind: "ended"; readonly end: End } | { readonly kind: "lost"; readonly reason: string };

/** Output is reported as dealt with at least this often, in bytes. */
const takenBytes = 64 * 1024;

/** Until the user is told that the agent does not answer, in milliseconds. */
const silenceMs = 5_000;
/** For the peer to close a call that has ended. */
const closingMs = 1_000;

/** One run of ours over as many connections as it takes. */
export class LabRun implements AsyncDisposable {
  readonly #context: Context;
  readonly #options: LabRunOptions;
  readonly #transcript: Transcript;
  readonly #input: RunInput;
  readonly #uploads: Uploads;
  readonly #stop: Stop;
  readonly #losses: Losses;
  readonly #open = new AsyncDisposableStack();
  #link: Link | undefined;
  #taken = 0;
  /** Whether the agent may have begun: then nobody but it knows what became of the run. */
  #begun = false;

  constructor(context: Context, options: LabRunOptions) {
    this.#context = context;
    this.#options = options;
    this.#stop = this.#open.use(new Stop());
    this.#losses = new Losses(context, options, this.#stop);
    this.#transcript = this.#open.use(
      new Transcript(options.stage, {
        late: options.opening.kind === "attach",
        request: (wanted) => this.#uploads.answer(wanted, this.#link),
        patiently: abortable(this.#stop.leave),
      }),
    );
    this.#uploads = this.#open.use(
      new Uploads(options.stage.desk, (reason, ask) => this.#giveUp(reason, { deaf: true, ask })),
    );
    this.#input = new RunInput(options.stage.console.input, (reason) => this.#giveUp(reason, { deaf: true }));
  }

  /**
   * Resolves when the command has succeeded. Throws the refusal of a run that was not begun, CommandFailed, RunLost, or
   * what the run was ended for from here.
   */
  async run(): Promise<void> {
    this.#listen();
    const { stage, graceMs } = this.#options;
    let { opening } = this.#options;
    let absence: Absence | undefined;
    for (;;) {
      const outcome = await this.#converse(opening, absence !== undefined, async () => {
        if (absence !== undefined) {
          absence = undefined;
          await stage.note("attached to the run again");
        }
      });
      if (outcome.kind === "ended") {
        return this.#conclude(outcome.end);
      }
      if (absence === undefined) {
        absence = new Absence(this.#context.server, graceMs);
        await this.#losses.tell(outcome.reason);
      }
      await absence.pause(outcome.reason, this.#stop.leave).catch((error: unknown) => {
        this.#stop.throwIfGiven();
        throw error;
      });
      opening = { kind: "attach" };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#link?.[Symbol.dispose]();
    await this.#open.disposeAsync();
  }

  #listen(): void {
    const { world } = this.#context;
    const { console, note } = this.#options.stage;
    const stopAt = (signal: AbortSignal, say: string) => {
      const onStop = () => {
        const { reason } = signal;
        this.#giveUp(reason instanceof DutError ? reason : new DutError("canceled", "interrupted"), { deaf: false });
        if (!this.#stop.leave.aborted) {
          void note(say).catch(() => {});
        }
      };
      if (signal.aborted) {
        onStop();
      }
      signal.addEventListener("abort", onStop);
      this.#open.defer(() => signal.removeEventListener("abort", onStop));
    };
    stopAt(world.signal, "waiting for the command to stop; Ctrl-C leaves at once");
    stopAt(console.left, "left the console, waiting for the command to stop; Ctrl-C leaves at once");
    this.#open.use(console.onResize((size) => this.#link?.send({ case: "resize", value: { ...size } })));
    const signals = world.onSignal?.((name) => this.#link?.send({ case: "signal", value: { name } }));
    if (signals !== undefined) {
      this.#open.use(signals);
    }
  }

  /** One connection, from its first message to the end of the run or of the connection. Throws a refusal. */
  async #converse(opening: Opening, again: boolean, onStarted: () => Promise<void>): Promise<Outcome> {
    const { device, stage } = this.#options;
    const { connection, server } = this.#context;
    using link = new Link(device, this.#firstMessage(opening));
    this.#link = link;
    const signal = AbortSignal.any([this.#stop.leave, link.signal]);
    const { runs } = connection;
    const responses = (opening.kind === "start" ? runs.run : runs.attach)(link.queue, { signal });
    using timers = new DisposableStack();
    const after = (ms: number, act: () => void) => {
      const timer = setTimeout(act, ms);
      timers.defer(() => clearTimeout(timer));
      return timer;
    };
    const silence = again
      ? after(attemptMs, () => link[Symbol.dispose]())
      : after(silenceMs, () => stage.console.waiting(`${server} has not answered yet`));
    let end: End | undefined;
    try {
      for await (const response of responses) {
        const { msg } = response;
        if (msg.case === "started") {
          clearTimeout(silence);
          stage.console.waiting(undefined);
          await onStarted();
          await this.#resume(msg.value, link);
        } else if (msg.case === "end") {
          end = msg.value;
          link.queue.close();
          after(closingMs, () => link[Symbol.dispose]());
        } else {
          await this.#hear(response, link);
        }
      }
    } catch (error) {
      if (end === undefined) {
        const reason = await this.#losses.reasonOf(error, { link, again, begun: this.#begun });
        this.#begun = true;
        return { kind: "lost", reason };
      }
    } finally {
      stage.console.waiting(undefined);
      this.#link = undefined;
    }
    return end === undefined ? { kind: "lost", reason: "the call ended before the run" } : { kind: "ended", end };
  }

  #firstMessage(opening: Opening): Message {
    const { runId, graceMs, stage } = this.#options;
    const { terminal: screen } = stage.console;
    const terminal = screen === undefined ? {} : { terminal: { ...screen } };
    if (opening.kind === "attach") {
      return { case: "resume", value: { runId, offset: BigInt(this.#transcript.offset), ...terminal } };
    }
    const { command, args } = opening;
    return { case: "start", value: { runId, command, args: [...args], graceMs: BigInt(graceMs), ...terminal } };
  }

  /** Goes on with everything where the agent stands. */
  async #resume(started: Started, link: Link): Promise<void> {
    this.#begun = true;
    const { inputOffset, inputEnded: ended, inputWindow } = started;
    this.#input.resume({ offset: Number(inputOffset), ended, window: Number(inputWindow) }, link);
    if (!this.#uploads.resume(started, link)) {
      const { note } = this.#options.stage;
      await note("the run waits for the rest of a file that only the client which began to send it has");
    }
    this.#stop.repeat(link);
  }

  async #hear(response: RunResponse, link: Link): Promise<void> {
    const { msg } = response;
    if (msg.case === "inputTaken") {
      this.#input.taken(Number(msg.value.offset));
    } else if (msg.case === "fileTaken") {
      this.#uploads.taken(msg.value);
    } else if (this.#stop.deaf) {
      this.#transcript.skip(response);
    } else {
      await this.#transcript.follow(response).catch((error: unknown) => this.#giveUp(error, { deaf: true }));
    }
    if (this.#transcript.offset - this.#taken >= takenBytes) {
      this.#taken = this.#transcript.offset;
      link.send({ case: "taken", value: { offset: BigInt(this.#taken) } });
    }
  }

  #giveUp(reason: unknown, options: StopOptions): void {
    this.#stop.give(reason, options, { link: this.#link, begun: this.#begun });
  }

  async #conclude({ exitStatus, code, message, hint }: End): Promise<void> {
    const { out } = this.#options.stage.desk;
    await out.write({ type: "run-end", data: { exitStatus, code, message, hint } });
    this.#stop.throwIfGiven();
    throwUnlessSucceeded({ exitStatus, code, message, hint });
  }
}
