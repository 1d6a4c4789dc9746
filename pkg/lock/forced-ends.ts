import { quote } from "#pkg/golang/quote.ts";
import type { Clock } from "./clock.ts";
import { humanDuration } from "./human-duration.ts";
import type { KeptReservation } from "./kept-reservation.ts";

interface ForcedEnd extends KeptReservation {
  readonly by: string;
  readonly at: number;
}

/** Reservations that somebody else has ended, until their owners were told or have reserved again. One a device. */
export class ForcedEnds {
  readonly #ends = new Map<string, ForcedEnd>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(device: string, ended: KeptReservation, by: string): void {
    if (ended.owner !== by) {
      this.#ends.set(device, { ...ended, by, at: this.#clock.steady() });
    }
  }

  /** Somebody has reserved the device: what became of the same one's former reservation is of no interest any more. */
  reserved(device: string, owner: string): void {
    if (this.#ends.get(device)?.owner === owner) {
      this.#ends.delete(device);
    }
  }

  /** What an owner is to be told, as the hint of a refusal: once, and while the reservation would still have lasted. */
  newsFor(owner: string, device: string): { readonly hint?: string } {
    const ended = this.#ends.get(device);
    const now = this.#clock.steady();
    if (ended === undefined || ended.owner !== owner) {
      return {};
    }
    this.#ends.delete(device);
    return ended.until < now
      ? {}
      : { hint: `${quote(ended.by)} ended your reservation by force ${humanDuration(now - ended.at)} ago` };
  }
}
