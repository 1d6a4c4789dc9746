import { explain } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import type { Lease, Store } from "#pkg/store/store.ts";
import { keys } from "../registry/agent-record.ts";

/** How long the others take a server that says nothing for living, in milliseconds. */
const leaseMs = 10_000;
/** The pause before a server that was taken for dead says again that it lives, in milliseconds. */
const againMs = 1_000;

export interface MembershipOptions {
  readonly store: Store;
  /** The id of this server, another one after every start. */
  readonly self: string;
  /** Where the others reach it; empty for a server without others. */
  readonly address: string;
  readonly log: Log;
}

/** Tells the store that this server lives, for as long as it does. Disposing takes it back at once. */
export class Membership implements AsyncDisposable {
  readonly #options: MembershipOptions;
  readonly #end = new AbortController();
  #lease: Lease;

  private constructor(options: MembershipOptions, lease: Lease) {
    this.#options = options;
    this.#lease = lease;
    this.#attend();
  }

  /** Throws what the store throws. */
  static async join(options: MembershipOptions): Promise<Membership> {
    return new Membership(options, await entered(options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#lease[Symbol.asyncDispose]();
  }

  #attend(): void {
    this.#lease.lost.addEventListener("abort", () => void this.#again(), { once: true });
  }

  async #again(): Promise<void> {
    const { log } = this.#options;
    log.warn("the other servers take this one for dead", { err: explain(this.#lease.lost.reason) });
    while (!this.#end.signal.aborted) {
      try {
        this.#lease = await entered(this.#options);
        log.info("the other servers know this one again");
        this.#attend();
        return;
      } catch (error) {
        log.debug("not known again yet", { err: explain(error) });
        const { promise, resolve } = Promise.withResolvers<void>();
        setTimeout(resolve, againMs);
        await promise;
      }
    }
  }
}

async function entered({ store, self, address }: MembershipOptions): Promise<Lease> {
  const lease = await store.lease(leaseMs);
  try {
    await store.change([{ kind: "put", key: keys.server(self), value: JSON.stringify({ address }), lease }]);
    return lease;
  } catch (error) {
    await lease[Symbol.asyncDispose]();
    throw error;
  }
}
