import type { HoldRequest, Locks } from "#pkg/lock/locks.ts";
import type { DeviceHold } from "#pkg/modules/module.ts";

interface Offer {
  readonly to: "owner" | "anybody";
  given(to: string): void;
}

/** A run's hold of its device, which it may give to another run. Disposing gives it up, if it still has it. */
export class RunHold implements DeviceHold, Disposable {
  readonly request: HoldRequest;
  readonly #locks: Locks;
  #hold: Disposable | undefined;
  #offer: Offer | undefined;

  /** Throws as `Locks.hold`. */
  constructor(locks: Locks, request: HoldRequest) {
    this.#locks = locks;
    this.request = request;
    this.#hold = locks.hold(request);
  }

  /** Whether the run has its device still. */
  get isHeld(): boolean {
    return this.#hold !== undefined;
  }

  offer(to: "owner" | "anybody", given: (to: string) => void): Disposable {
    const offer: Offer = { to, given };
    this.#offer = offer;
    return {
      [Symbol.dispose]: () => {
        this.#offer = this.#offer === offer ? undefined : this.#offer;
      },
    };
  }

  isOfferedTo(owner: string): boolean {
    return (
      this.isHeld && (this.#offer?.to === "anybody" || (this.#offer !== undefined && this.request.owner === owner))
    );
  }

  /** Gives the device to another run of an owner whom it is offered to. Throws as `Locks.hold`, and has it still then. */
  handOver(request: HoldRequest): RunHold {
    this.#hold?.[Symbol.dispose]();
    try {
      const next = new RunHold(this.#locks, request);
      this.#hold = undefined;
      this.#offer?.given(request.owner);
      return next;
    } catch (error) {
      this.#hold = this.#locks.hold(this.request);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#hold?.[Symbol.dispose]();
    this.#hold = undefined;
  }
}
