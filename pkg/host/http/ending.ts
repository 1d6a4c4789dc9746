import { networkFault, tooLate } from "./fault.ts";

/** How a request ends before its time: by its caller, by a limit that the peer did not keep, or by a body that fails. */
export class Ending {
  readonly #early = new AbortController();
  readonly #doing: string;
  readonly signal: AbortSignal;

  /** `doing` begins the messages, as in `GET http://board/`. */
  constructor(caller: AbortSignal, doing: string) {
    this.#doing = doing;
    this.signal = AbortSignal.any([caller, this.#early.signal]);
  }

  /** Ends the request with `what`, such as "it did not connect", unless what is returned is disposed within the time. */
  expect(milliseconds: number, what: string): Disposable {
    const timer = setTimeout(() => this.#early.abort(tooLate(this.#doing, milliseconds, what)), milliseconds);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  }

  /** Ends the request after a time in any case. Nothing waits for that, as with AbortSignal.timeout. */
  limit(milliseconds: number): void {
    setTimeout(() => this.#early.abort(tooLate(this.#doing, milliseconds, "it was not done")), milliseconds).unref();
  }

  /** Ends the request now, with a reason of the one who asks. */
  end(reason: unknown): void {
    this.#early.abort(reason);
  }

  /** What to throw for an error that the network gave: why it was ended, if it was. */
  explain(error: unknown): unknown {
    return this.signal.aborted ? this.signal.reason : networkFault(error, this.#doing);
  }
}
