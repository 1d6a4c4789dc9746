import { messageOf } from "#pkg/errors/dut-error.ts";
import type { SerialPort } from "#pkg/host/serial-ports.ts";
import type { Log } from "#pkg/log/log.ts";

/** Who keeps other programs away from a port: that they are is brought about one step at a time, and holds over a reopening. */
export class PortClaims {
  readonly #log: Log;
  #claimants = 0;
  #held: { readonly port: SerialPort; readonly claim: AsyncDisposable } | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #number = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Whether other programs are kept away, or will be in a moment, or were a moment ago. */
  get state(): "free" | "claimed" {
    return this.#claimants === 0 && this.#held === undefined ? "free" : "claimed";
  }

  /** Whether somebody wants others kept away. */
  get areWanted(): boolean {
    return this.#claimants > 0;
  }

  /** Grows with every claim. */
  get number(): number {
    return this.#number;
  }

  /** One more who wants others kept away, until it is disposed. */
  enter(): AsyncDisposable {
    let isIn = true;
    this.#claimants += 1;
    this.#number += 1;
    return {
      [Symbol.asyncDispose]: async () => {
        if (isIn) {
          isIn = false;
          this.#claimants -= 1;
          await this.#inTurn(() => this.#release());
        }
      },
    };
  }

  /** Keeps others away from an open port if anybody wants that. Throws failed_precondition when another program has it. */
  async takeFor(port: SerialPort): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#claimants > 0 && this.#held?.port !== port) {
        this.#held = { port, claim: await port.claim() };
      }
    });
  }

  /** The port is not open any more, and nobody is kept away from it. */
  lose(): void {
    this.#held = undefined;
  }

  async #release(): Promise<void> {
    if (this.#claimants > 0 || this.#held === undefined) {
      return;
    }
    try {
      await this.#held.claim[Symbol.asyncDispose]();
    } catch (error) {
      this.#log.warn(messageOf(error));
    }
    this.#held = undefined;
  }

  async #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => {});
    await turn;
  }
}
