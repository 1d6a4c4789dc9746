import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { type Log, silentLog } from "#pkg/log/log.ts";
import type { Store } from "#pkg/store/store.ts";
import { type Clock, systemClock } from "./clock.ts";
import { ForcedEnds } from "./forced-ends.ts";
import type { KeptReservation } from "./kept-reservation.ts";
import { lockedBy, type Obstacle, takenThrough } from "./refusals.ts";
import { reservationLength } from "./reservation-length.ts";
import { Reservations } from "./reservations.ts";
import { inTurns } from "./turns.ts";
import { WallTime } from "./wall-time.ts";

/** A run's claim to a device and to the hardware that it uses. */
export interface HoldRequest {
  readonly device: string;
  readonly owner: string;
  /** Names of hardware as `resourceNames` gives them: one run at a time, whatever its device. */
  readonly resources: readonly string[];
  readonly runId: string;
  readonly command: string;
}

/** A device in use by a run. */
export interface Hold extends HoldRequest {
  /** Unix time in milliseconds. */
  readonly since: number;
}

/** A device kept for somebody. Unix times in milliseconds; they move when the wall clock is set. */
export interface Reservation {
  readonly owner: string;
  readonly since: number;
  readonly until: number;
}

export interface LocksOptions {
  /** Where reservations outlive the process. */
  readonly store: Store;
  readonly clock?: Clock;
  readonly log?: Log;
  /** What a device's commands use, as `resourceNames` gives it: reserving the device reserves that. Default nothing. */
  readonly resourcesOf?: (device: string) => readonly string[];
  /** What is told of such a name to those who are refused because of it. Default all of it. */
  readonly hide?: (resource: string) => string;
}

/**
 * Who has which device. A reservation keeps a device for somebody until its time is over, also when this process ends; a
 * hold is a run's, one at a time on a device and on each piece of hardware, also when the same user asks twice.
 */
export class Locks implements Disposable {
  readonly #clock: Clock;
  readonly #wall: WallTime;
  readonly #resourcesOf: (device: string) => readonly string[];
  readonly #hide: (resource: string) => string;
  readonly #holds = new Map<string, Hold>();
  readonly #reservations: Reservations;
  readonly #forced: ForcedEnds;
  readonly #inTurn = inTurns();
  readonly #listeners = new Set<(device: string) => void>();

  private constructor(options: LocksOptions) {
    const { store, clock = systemClock(), log = silentLog, resourcesOf = () => [], hide = (name) => name } = options;
    this.#hide = hide;
    this.#clock = clock;
    this.#forced = new ForcedEnds(clock);
    this.#wall = new WallTime(clock);
    this.#resourcesOf = resourcesOf;
    this.#reservations = new Reservations({
      store,
      clock,
      wall: this.#wall,
      log,
      tell: (device) => this.#tell(device),
    });
  }

  /** With the reservations of the store whose time is not over. */
  static async open(options: LocksOptions): Promise<Locks> {
    const locks = new Locks(options);
    await locks.#reservations.load();
    return locks;
  }

  /** Grows with every reservation, over restarts too; an agent whose disk was put back to an older state shows a smaller one. */
  get fence(): number {
    return this.#reservations.fence;
  }

  holdOf(device: string): Hold | undefined {
    return this.#holds.get(device);
  }

  reservationOf(device: string): Reservation | undefined {
    const kept = this.#reservations.of(device);
    return kept && this.#shown(kept);
  }

  /**
   * Why a device that nobody has is not wholly free: hardware of it is somebody's through another device. Undefined when
   * there is none.
   */
  sharedHardwareOf(device: string): string | undefined {
    const resources = this.#resourcesOf(device);
    const taken =
      this.#sharedHold(device, resources, () => true) ?? this.#sharedReservation(device, resources, undefined);
    return taken?.shared && `${takenThrough({ left: taken.left, shared: taken.shared })} by ${quote(taken.owner)}`;
  }

  /**
   * Holds a device and its hardware until the result is disposed. Throws failed_precondition naming who is in the way.
   */
  hold(request: HoldRequest): Disposable {
    const { device, owner, resources } = request;
    this.#refuse(device, owner, [
      this.#held(device, () => true),
      this.#reserved(device, owner),
      this.#sharedHold(device, resources, () => true),
      this.#sharedReservation(device, resources, owner),
    ]);
    const hold: Hold = { ...request, since: this.#clock.wall() };
    this.#holds.set(device, hold);
    this.#tell(device);
    return {
      [Symbol.dispose]: () => {
        if (this.#holds.get(device) === hold) {
          this.#holds.delete(device);
          this.#tell(device);
        }
      },
    };
  }

  /**
   * Reserves a device, or prolongs the owner's reservation; it is never shortened. A run of the owner may go on.
   * `duration` is in milliseconds, less than a second is a second, and 30 minutes by default.
   * Throws invalid_argument for a duration that is none, failed_precondition when somebody else has the device or
   * hardware of it, resource_exhausted when it cannot be kept.
   */
  reserve(device: string, owner: string, duration?: number): Promise<Reservation> {
    return this.#inTurn(device, async () => {
      const length = reservationLength(duration);
      const resources = this.#resourcesOf(device);
      const byOther = (hold: Hold) => hold.owner !== owner;
      this.#refuse(device, owner, [
        this.#reserved(device, owner),
        this.#held(device, byOther),
        this.#sharedReservation(device, resources, owner),
        this.#sharedHold(device, resources, byOther),
      ]);
      const now = this.#clock.steady();
      const current = this.#reservations.of(device);
      const kept = { owner, since: current?.since ?? now, until: Math.max(current?.until ?? 0, now + length) };
      await this.#reservations.put(device, kept);
      this.#forced.reserved(device, owner);
      return this.#shown(kept);
    });
  }

  /**
   * Ends the owner's reservation; a run goes on. Throws failed_precondition when there is none, permission_denied when
   * it is somebody else's, resource_exhausted when the end cannot be kept.
   */
  release(device: string, owner: string): Promise<Reservation> {
    return this.#inTurn(device, async () => {
      this.#refuse(device, owner, [this.#reserved(device, owner)], "permission_denied");
      const current = this.#reservations.of(device);
      if (current === undefined) {
        throw new DutError("failed_precondition", "device is not locked", this.#forced.newsFor(owner, device));
      }
      await this.#reservations.end(device);
      return this.#shown(current);
    });
  }

  /**
   * Ends anybody's reservation and answers it, undefined when there is none. Its owner reads about it in the next
   * refusal. A run goes on, and its hold stays. Throws resource_exhausted when the end cannot be kept.
   */
  releaseByForce(device: string, by: string): Promise<Reservation | undefined> {
    return this.#inTurn(device, async () => {
      const current = this.#reservations.of(device);
      if (current === undefined) {
        return undefined;
      }
      await this.#reservations.end(device);
      this.#forced.note(device, current, by);
      return this.#shown(current);
    });
  }

  /** Told the name of every device of which something has changed, until disposed. */
  onChange(listener: (device: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Stops the time. The reservations stay in the store. */
  [Symbol.dispose](): void {
    this.#reservations[Symbol.dispose]();
  }

  /** Throws for the first thing in the way. */
  #refuse(
    device: string,
    owner: string,
    obstacles: readonly (Obstacle | undefined)[],
    code: "failed_precondition" | "permission_denied" = "failed_precondition",
  ): void {
    const obstacle = obstacles.find((each) => each !== undefined);
    if (obstacle !== undefined) {
      throw new DutError(code, lockedBy(device, obstacle), this.#forced.newsFor(owner, device));
    }
  }

  #held(device: string, matters: (hold: Hold) => boolean): Obstacle | undefined {
    const hold = this.#holds.get(device);
    return hold !== undefined && matters(hold) ? { owner: hold.owner } : undefined;
  }

  /** By somebody else than `owner`, or by anybody when that is undefined. */
  #reserved(device: string, owner: string | undefined): Obstacle | undefined {
    const kept = this.#reservations.claimOf(device);
    return kept === undefined || kept.owner === owner
      ? undefined
      : { owner: kept.owner, left: kept.until - this.#clock.steady() };
  }

  #sharedHold(device: string, resources: readonly string[], matters: (hold: Hold) => boolean): Obstacle | undefined {
    for (const hold of this.#holds.values()) {
      const resource = hold.resources.find((name) => resources.includes(name));
      if (hold.device !== device && resource !== undefined && matters(hold)) {
        return { owner: hold.owner, shared: { resource: this.#hide(resource), device: hold.device } };
      }
    }
    return undefined;
  }

  #sharedReservation(device: string, resources: readonly string[], owner: string | undefined): Obstacle | undefined {
    for (const other of resources.length === 0 ? [] : this.#reservations.devices()) {
      const obstacle = other === device ? undefined : this.#reserved(other, owner);
      const resource = obstacle && this.#resourcesOf(other).find((name) => resources.includes(name));
      if (obstacle !== undefined && resource !== undefined) {
        return { ...obstacle, shared: { resource: this.#hide(resource), device: other } };
      }
    }
    return undefined;
  }

  #shown({ owner, since, until }: KeptReservation): Reservation {
    return { owner, since: this.#wall.at(since), until: this.#wall.at(until) };
  }

  #tell(device: string): void {
    for (const listener of this.#listeners) {
      listener(device);
    }
  }
}
