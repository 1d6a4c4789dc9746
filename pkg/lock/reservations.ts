import type { Log } from "#pkg/log/log.ts";
import type { Store } from "#pkg/store/store.ts";
import type { Clock } from "./clock.ts";
import { type KeptReservation, parseReservation, renderReservation } from "./kept-reservation.ts";
import type { WallTime } from "./wall-time.ts";

const keyPrefix = "lock/";

interface Surroundings {
  readonly store: Store;
  readonly clock: Clock;
  readonly wall: WallTime;
  readonly log: Log;
  /** Told the name of a device whose reservation has begun, changed or ended. */
  readonly tell: (device: string) => void;
}

/** Reservations by device, on the disk and with their time running. Changes of one device must not overlap. */
export class Reservations implements Disposable {
  readonly #kept = new Map<string, KeptReservation>();
  /** On their way to the disk. */
  readonly #claims = new Map<string, KeptReservation>();
  readonly #expiries = new Map<string, Disposable>();
  readonly #around: Surroundings;
  #fence = 0;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Takes over what the store has. */
  async load(): Promise<void> {
    const { store, clock, wall } = this.#around;
    const entries = await store.list(keyPrefix);
    this.#fence = await store.change([]);
    // The latest one last: its offset to wall time is the one that goes on.
    for (const { key, value } of entries.toSorted((a, b) => a.revision - b.revision)) {
      this.#keep(key.slice(keyPrefix.length), parseReservation(value, clock, wall));
    }
  }

  /** What is on the disk and not over, whether or not its end has been noticed. */
  of(device: string): KeptReservation | undefined {
    const kept = this.#kept.get(device);
    return kept !== undefined && kept.until > this.#around.clock.steady() ? kept : undefined;
  }

  /** Who keeps others away: also somebody whose reservation is still on its way to the disk. */
  claimOf(device: string): KeptReservation | undefined {
    return this.#claims.get(device) ?? this.of(device);
  }

  /** A revision of the store, at least that of the last one that was put: a store that was put back to an older state has a smaller one. */
  get fence(): number {
    return this.#fence;
  }

  devices(): ReadonlySet<string> {
    return new Set([...this.#claims.keys(), ...this.#kept.keys()]);
  }

  /** Resolves when it is on the disk. */
  async put(device: string, kept: KeptReservation): Promise<void> {
    const { store, clock, wall, tell } = this.#around;
    this.#claims.set(device, kept);
    try {
      const revision = await store.put(keyPrefix + device, renderReservation(kept, clock, wall));
      this.#fence = Math.max(this.#fence, revision);
    } finally {
      this.#claims.delete(device);
    }
    this.#keep(device, kept);
    tell(device);
  }

  /** Resolves when the disk has forgotten it; until then it is there. */
  async end(device: string): Promise<void> {
    await this.#around.store.delete(keyPrefix + device);
    this.#forget(device);
  }

  [Symbol.dispose](): void {
    for (const expiry of this.#expiries.values()) {
      expiry[Symbol.dispose]();
    }
    this.#expiries.clear();
  }

  #keep(device: string, kept: KeptReservation): void {
    this.#expiries.get(device)?.[Symbol.dispose]();
    this.#kept.set(device, kept);
    const left = kept.until - this.#around.clock.steady();
    this.#expiries.set(
      device,
      this.#around.clock.after(left, () => this.#expire(device)),
    );
  }

  #forget(device: string): void {
    this.#expiries.get(device)?.[Symbol.dispose]();
    this.#expiries.delete(device);
    this.#kept.delete(device);
    this.#around.tell(device);
  }

  /** One that is over means nothing to whoever reads it, so its removal may fail or come late. */
  #expire(device: string): void {
    const { store, log } = this.#around;
    this.#forget(device);
    if (!this.#claims.has(device)) {
      store.delete(keyPrefix + device).catch((error: unknown) => {
        log.warn("a reservation that is over stays on the disk", { device, err: error });
      });
    }
  }
}
