import { addAbortListener } from "node:events";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Log } from "#pkg/log/log.ts";
import { Turns } from "../hardware/turns.ts";
import type { BoardDesign, BoardPlan, Machine } from "./board-design.ts";
import { type Console, openConsole } from "./console.ts";
import { removeLeftovers } from "./leftovers.ts";
import { ownState } from "./own-state.ts";

export type Power<M extends Machine> =
  | { readonly kind: "on"; readonly since: Date; readonly machine: M }
  | { readonly kind: "off"; readonly ended: { readonly at: Date; readonly how: string } | undefined };

/** One virtual board with its console, whose state directory this process owns. Disposing cuts its power and takes all of it away but the disk. */
export class Board<M extends Machine> implements AsyncDisposable {
  readonly #design: BoardDesign<M>;
  readonly #host: Host;
  readonly #log: Log;
  readonly #console: Console;
  readonly #release: AsyncDisposableStack;
  readonly #turns = new Turns();
  #power: Power<M> = { kind: "off", ended: undefined };

  private constructor(design: BoardDesign<M>, host: Host, log: Log, console: Console, release: AsyncDisposableStack) {
    this.#design = design;
    this.#host = host;
    this.#log = log;
    this.#console = console;
    this.#release = release;
  }

  /**
   * Throws failed_precondition when another process has the state directory or a program is missing, and what the file
   * system refuses; everything is released then.
   */
  static async open<M extends Machine>(design: BoardDesign<M>, host: Host, log: Log): Promise<Board<M>> {
    const { plan } = design;
    await using opened = new AsyncDisposableStack();
    await design.check(host);
    await host.files.makeDirectory(plan.state);
    opened.use(await ownState(plan.state, host.files, log));
    await removeLeftovers(design, host, log);
    const console = opened.use(await openConsole(plan.console, host, log));
    return new Board(design, host, log, console, opened.move());
  }

  get plan(): BoardPlan {
    return this.#design.plan;
  }

  get power(): Power<M> {
    return this.#power;
  }

  /** Waits until nobody else works with this board and keeps others away until the result is disposed. */
  async takeTurn(signal: AbortSignal): Promise<Disposable> {
    return await this.#turns.take(signal);
  }

  /**
   * Throws what the design's `start` throws, unavailable when the board ends at once, the signal's reason with the power
   * cut when that aborts first. The board must be off.
   */
  async switchOn(signal: AbortSignal): Promise<M> {
    const { startHint: hint } = this.#design;
    const context = { host: this.#host, log: this.#log, signal };
    const machine = await this.#design.start(this.#console.device, context);
    this.#console.switch("on");
    this.#power = { kind: "on", since: new Date(), machine };
    const over = machine.ended.then((how) => this.#switchedOff(machine, how));
    const { promise: given, reject } = Promise.withResolvers<never>();
    using _listening = addAbortListener(signal, () => reject(signal.reason));
    try {
      await Promise.race([over, machine.started, given]);
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      signal.throwIfAborted();
      throw new DutError("unavailable", `the board did not start: ${messageOf(error)}`, { hint, cause: error });
    }
    const { power } = this;
    if (power.kind === "off") {
      throw new DutError("unavailable", `the board did not start: ${power.ended?.how}`, { hint });
    }
    return machine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#power.kind === "on") {
      await this.#power.machine[Symbol.asyncDispose]();
    }
    await this.#release.disposeAsync();
  }

  async #switchedOff(machine: M, how: string): Promise<void> {
    this.#power = { kind: "off", ended: { at: new Date(), how } };
    this.#console.switch("off");
    this.#log.info("the board is off", { state: this.plan.state, how });
    await machine[Symbol.asyncDispose]();
  }
}
