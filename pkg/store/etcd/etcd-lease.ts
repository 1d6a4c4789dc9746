import { setTimeout as delay } from "node:timers/promises";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { Lease as LeaseService } from "#pkg/protocol/gen/etcdserverpb/etcd_pb.ts";
import type { Lease } from "../store.ts";
import type { Cluster } from "./cluster.ts";
import { isLeaseGone } from "./etcd-fault.ts";

/** How often a lease is renewed while it lasts; one that could not be is tried again after a quarter of that time. */
const renewals = 3;

interface Surroundings {
  readonly cluster: Cluster;
  readonly log: Log;
  /** Those that are not over. */
  readonly leases: Set<EtcdLease>;
}

/** A lease of etcd, renewed until it is given up or lost. */
export class EtcdLease implements Lease {
  readonly id: bigint;
  readonly #around: Surroundings;
  readonly #ttlMs: number;
  readonly #lost = new AbortController();
  readonly #given = new AbortController();
  #expiry: NodeJS.Timeout | undefined;

  private constructor(id: bigint, ttlMs: number, around: Surroundings, asked: number) {
    this.id = id;
    this.#ttlMs = ttlMs;
    this.#around = around;
    around.leases.add(this);
    this.#lastsFrom(asked);
    void this.#keep();
  }

  /** Lasts at least `ttlMs`, in whole seconds. */
  static async grant(ttlMs: number, around: Surroundings): Promise<EtcdLease> {
    const asked = performance.now();
    const request = { TTL: BigInt(Math.ceil(ttlMs / 1000)) };
    // A lease that nobody heard of runs out by itself.
    const { ID, TTL } = await around.cluster.call(LeaseService.method.leaseGrant, request, { repeatable: true });
    return new EtcdLease(ID, Number(TTL) * 1000, around, asked);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Given up or lost. */
  get over(): boolean {
    return this.#lost.signal.aborted || this.#given.signal.aborted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.over) {
      return;
    }
    this.#given.abort();
    clearTimeout(this.#expiry);
    const { cluster, log, leases } = this.#around;
    leases.delete(this);
    try {
      await cluster.call(LeaseService.method.leaseRevoke, { ID: this.id }, { repeatable: true });
    } catch (error) {
      if (!isLeaseGone(error)) {
        log.warn("a lease that was given up lasts until it runs out", { ttlMs: this.#ttlMs, err: error });
      }
    }
  }

  async #keep(): Promise<void> {
    const { signal } = this.#given;
    const interval = this.#ttlMs / renewals;
    for (let wait = interval; !this.over; ) {
      await delay(wait, undefined, { ref: false });
      wait = (await this.#renew(signal, interval)) ? interval : interval / 4;
    }
  }

  /** Answers whether that is settled for now. */
  async #renew(signal: AbortSignal, timeoutMs: number): Promise<boolean> {
    if (this.over) {
      return true;
    }
    const asked = performance.now();
    try {
      const options = { repeatable: true, signal, timeoutMs };
      const { TTL } = await this.#around.cluster.call(LeaseService.method.leaseKeepAlive, { ID: this.id }, options);
      if (TTL > 0n) {
        this.#lastsFrom(asked);
      } else {
        this.#lose("etcd has it no more");
      }
      return true;
    } catch (error) {
      this.#around.log.debug("a lease was not renewed", { reason: messageOf(error) });
      return false;
    }
  }

  #lastsFrom(asked: number): void {
    clearTimeout(this.#expiry);
    if (!this.over) {
      const left = asked + this.#ttlMs - performance.now();
      this.#expiry = setTimeout(() => this.#lose("it was not renewed in time"), left).unref();
    }
  }

  #lose(reason: string): void {
    if (!this.over) {
      clearTimeout(this.#expiry);
      this.#around.leases.delete(this);
      this.#lost.abort(new DutError("unavailable", `the lease is lost: ${reason}`));
    }
  }
}
