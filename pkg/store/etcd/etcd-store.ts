import type { Log } from "#pkg/log/log.ts";
import { Compare_CompareResult, Compare_CompareTarget, KV } from "#pkg/protocol/gen/etcdserverpb/etcd_pb.ts";
import { checkChanges } from "../checked-changes.ts";
import { Health } from "../health.ts";
import type { Change, Entry, Lease, Store, StoreEvent, StoreHealth } from "../store.ts";
import { Cluster, type ClusterOptions } from "./cluster.ts";
import { EtcdLease } from "./etcd-lease.ts";
import { watchEtcd } from "./etcd-watch.ts";
import { KeyOrder } from "./key-order.ts";
import { KeySpace } from "./key-space.ts";
import { listPages } from "./list-pages.ts";
import { type Outcome, outcomeOf, transactionOf } from "./transaction.ts";

export interface EtcdStoreOptions extends Omit<ClusterOptions, "onTrouble"> {
  /** Before every key. */
  readonly prefix: string;
  readonly log: Log;
}

/** The store in an etcd. */
export class EtcdStore implements Store {
  readonly #cluster: Cluster;
  readonly #keys: KeySpace;
  readonly #log: Log;
  readonly #order = new KeyOrder();
  readonly #health = new Health(() => this.probe());
  readonly #leases = new Set<EtcdLease>();
  readonly #end = new AbortController();

  constructor({ prefix, log, ...cluster }: EtcdStoreOptions) {
    this.#keys = new KeySpace(prefix);
    this.#log = log;
    this.#cluster = new Cluster({ ...cluster, onTrouble: (reason) => this.#health.degrade(reason) });
  }

  /** Resolves when changes can be made; makes none. Rejects as they would. */
  async probe(): Promise<void> {
    // No key has so many versions, and an etcd without space refuses what has a put in it, made or not.
    const key = this.#keys.keyBytes("");
    const targetUnion = { case: "version", value: 2n ** 62n } as const;
    const request = {
      compare: [{ result: Compare_CompareResult.GREATER, target: Compare_CompareTarget.VERSION, key, targetUnion }],
      success: [{ request: { case: "requestPut", value: { key } } } as const],
    };
    await this.#cluster.call(KV.method.txn, request, { repeatable: true });
  }

  async get(key: string): Promise<Entry | undefined> {
    return this.#order.after([key], async () => {
      const { kvs } = await this.#cluster.call(
        KV.method.range,
        { key: this.#keys.keyBytes(key) },
        { repeatable: true },
      );
      return kvs[0] && this.#keys.entry(kvs[0]);
    });
  }

  async list(prefix: string): Promise<readonly Entry[]> {
    return this.#order.afterAll(prefix, async () => {
      const { kvs } = await listPages(this.#cluster, this.#keys.range(prefix));
      return kvs.map((kv) => this.#keys.entry(kv));
    });
  }

  async put(key: string, value: string, expected?: number): Promise<number> {
    return this.change([{ kind: "put", key, value, expected }]);
  }

  async delete(key: string, expected?: number): Promise<boolean> {
    const { deleted } = await this.#change([{ kind: "delete", key, expected }]);
    return deleted > 0;
  }

  async change(changes: readonly Change[]): Promise<number> {
    const { revision } = await this.#change(changes);
    return revision;
  }

  async lease(ttlMs: number): Promise<Lease> {
    return EtcdLease.grant(ttlMs, { cluster: this.#cluster, log: this.#log, leases: this.#leases });
  }

  watch(prefix: string, signal: AbortSignal): AsyncIterable<StoreEvent> {
    const watched = { cluster: this.#cluster, keys: this.#keys, prefix };
    return watchEtcd(watched, AbortSignal.any([signal, this.#end.signal]));
  }

  get health(): StoreHealth {
    return this.#health.current;
  }

  onHealth(listener: (health: StoreHealth) => void): Disposable {
    return this.#health.onChange(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#order.idle();
    await Promise.all(Array.from(this.#leases, (lease) => lease[Symbol.asyncDispose]()));
    this.#health[Symbol.dispose]();
    this.#cluster[Symbol.dispose]();
  }

  async #change(changes: readonly Change[]): Promise<Outcome> {
    checkChanges(changes);
    const keys = changes.map(({ key }) => key);
    return this.#order.after(keys, async () => {
      const request = transactionOf(changes, this.#keys);
      return outcomeOf(await this.#cluster.call(KV.method.txn, request, { repeatable: false }), changes);
    });
  }
}
