import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Log } from "#pkg/log/log.ts";
import { pause } from "../pause.ts";
import type { Chip } from "./chips.ts";
import type { Gpiod } from "./gpiod.ts";
import { type Holder, holdLine } from "./holder.ts";
import { askLineInfo, type LineInfo } from "./line-info.ts";
import { type LinePlan, levelOf, nameOf, type State } from "./line-options.ts";

/** How long a line that is in use is waited for: that of an agent that was killed is given back a moment later. */
const patienceMs = 2000;
const lookAgainMs = 50;

type Hold = { readonly kind: "held"; readonly holder: Holder } | { readonly kind: "lost"; readonly how: string };

const never = new AbortController().signal;

/** Where a line is, and with what it is reached. */
export interface Place {
  readonly chip: Chip;
  readonly gpiod: Gpiod;
  readonly host: Host;
}

/**
 * An output that is held from its opening to its disposal, and is at rest at both ends. Its own resistor pulls to where it
 * rests, so that it does not leave that level while it changes its holder.
 */
export class Line implements AsyncDisposable {
  readonly plan: LinePlan;
  readonly #place: Place;
  readonly #log: Log;
  #state: State;
  #hold: Hold;

  private constructor(plan: LinePlan, place: Place, log: Log) {
    this.plan = plan;
    this.#place = place;
    this.#log = log;
    this.#state = plan.rest;
    this.#hold = { kind: "lost", how: "it is not open yet" };
  }

  /** Throws failed_precondition when another program has the line, and as `holdLine`. */
  static async open(plan: LinePlan, place: Place, log: Log, signal: AbortSignal): Promise<Line> {
    const line = new Line(plan, place, log);
    await line.#take(plan.rest, signal);
    return line;
  }

  /** What the line was set to last, which it has as long as it is held. */
  get state(): State {
    return this.#state;
  }

  /**
   * Asks the kernel whether the line is still held. One that was lost is taken again, with the state that it had; returns
   * the sentence that says so. Throws when it cannot be.
   */
  async ensureHeld(signal: AbortSignal): Promise<string | undefined> {
    const how = this.#hold.kind === "lost" ? this.#hold.how : "the kernel does not show it as an output that is held";
    if (this.#hold.kind === "held") {
      const { holder, direction } = await this.#look(signal);
      if (holder !== undefined && direction === "output") {
        return undefined;
      }
      await this.#letGo(this.#hold.holder, how);
    }
    await this.#take(this.#state, signal);
    return `${nameOf(this.plan)} had been let go (${how}); it is held again, ${this.#state}`;
  }

  /**
   * Resolves when the state is confirmed. It is not cut short by a run that ends: it takes moments, and a line in between
   * helps nobody. Throws when it cannot be confirmed; the line is let go then.
   */
  async set(state: State): Promise<void> {
    if (this.#hold.kind !== "held") {
      await this.#take(state, never);
      return;
    }
    const { holder } = this.#hold;
    if (holder.change === undefined) {
      await this.#letGo(holder, `to be set to ${state}`);
      this.#have(await this.#holdAt(state, never), state);
      return;
    }
    try {
      await holder.change(levelOf(state, this.plan));
      this.#state = state;
    } catch (error) {
      await this.#letGo(holder, messageOf(error));
      throw error;
    }
  }

  /** Rejects when the line is let go without having been asked to. */
  async lost(): Promise<never> {
    throw this.#hold.kind === "held"
      ? await this.#hold.holder.ended
      : new DutError("unavailable", `${nameOf(this.plan)} is not held`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hold.kind === "held" && this.#state !== this.plan.rest) {
      await this.set(this.plan.rest).catch((error: unknown) =>
        this.#log.error(`${nameOf(this.plan)} was not put to rest: ${messageOf(error)}`),
      );
    }
    if (this.#hold.kind === "held") {
      await this.#letGo(this.#hold.holder, "it is closed");
    }
  }

  /** Takes a line that is not held; waits a moment for one that somebody else has. */
  async #take(state: State, signal: AbortSignal): Promise<void> {
    const end = performance.now() + patienceMs;
    for (let { holder } = await this.#look(signal); holder !== undefined; { holder } = await this.#look(signal)) {
      if (performance.now() > end) {
        throw new DutError("failed_precondition", `${nameOf(this.plan)} is in use by ${quote(holder)}`, {
          hint: "end that program, or set the option pin to another line",
        });
      }
      await pause(lookAgainMs, signal);
    }
    this.#have(await this.#holdAt(state, signal), state);
  }

  #look(signal: AbortSignal): Promise<LineInfo> {
    const { chip, gpiod, host } = this.#place;
    return askLineInfo({ chip: chip.name, pin: this.plan.pin }, host.processes, gpiod, signal);
  }

  #holdAt(state: State, signal: AbortSignal): Promise<Holder> {
    const { chip, gpiod, host } = this.#place;
    const level = levelOf(state, this.plan);
    const pull = levelOf(this.plan.rest, this.plan);
    return holdLine({ chip: chip.name, pin: this.plan.pin, level, pull }, gpiod, host, signal);
  }

  #have(holder: Holder, state: State): void {
    this.#hold = { kind: "held", holder };
    this.#state = state;
    void holder.ended.then(({ message }) => {
      if (this.#hold.kind === "held" && this.#hold.holder === holder) {
        this.#hold = { kind: "lost", how: message };
        this.#log.warn(`${nameOf(this.plan)} was let go: ${message}`);
      }
    });
  }

  async #letGo(holder: Holder, how: string): Promise<void> {
    this.#hold = { kind: "lost", how };
    await holder[Symbol.asyncDispose]();
  }
}
