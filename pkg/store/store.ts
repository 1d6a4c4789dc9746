/** A key with its text as of one change. */
export interface Entry {
  readonly key: string;
  readonly value: string;
  /** Of its last change: later changes of any key of the store have greater ones. At least 1. */
  readonly revision: number;
}

/**
 * A part of a change of several keys. `expected` is the revision that the key must have for any part to happen, 0 for a
 * key that must not be there. A put without a lease takes the key from the lease that it had.
 */
export type Change =
  | {
      readonly kind: "put";
      readonly key: string;
      readonly value: string;
      readonly expected?: number | undefined;
      readonly lease?: Lease | undefined;
    }
  | { readonly kind: "delete"; readonly key: string; readonly expected?: number | undefined }
  /** Only a condition. */
  | { readonly kind: "check"; readonly key: string; readonly expected: number };

/** What has become of a key. */
export type Step =
  | { readonly kind: "put"; readonly entry: Entry }
  /** By anybody, or because its lease is over. */
  | { readonly kind: "delete"; readonly key: string; readonly revision: number };

/** What a watcher is told. */
export type StoreEvent =
  /** All that is there now, in the place of everything told before: first, and again whenever track was lost. */
  { readonly kind: "snapshot"; readonly entries: readonly Entry[] } | Step;

/**
 * Keys that vanish when their owner does: when it gives the lease up, when its process ends in whatever way, or when it
 * cannot reach the store for as long as the lease lasts. Disposing gives it up at once, and its keys vanish; should the
 * store not hear of that, they vanish when the lease runs out.
 */
export interface Lease extends AsyncDisposable {
  /**
   * Aborted when the lease can no longer be relied on because it was not renewed in time: others may have taken its
   * keys already. Its reason is a DutError. Disposing does not abort it.
   */
  readonly lost: AbortSignal;
}

export type StoreHealth =
  | { readonly kind: "ok" }
  /** Changes are refused, or the store cannot be reached. Looked after by the store itself until it is ok again. */
  | { readonly kind: "degraded"; readonly reason: string };

/**
 * Small state that outlives the process. What a call has resolved for is on disk: neither the end of the process nor of
 * the power takes it back. Calls about the same key take effect in the order they were made, and a list after all that
 * were made before it.
 *
 * All reject with resource_exhausted when nothing can be written (the disk is full, or read-only now), with unavailable
 * when the store cannot be reached or its connection was lost in the middle, and with data_loss when what is kept is not
 * what was written; the next call may succeed again. Whether a change happened that was rejected as unavailable is not
 * known; after every other rejection it did not happen.
 */
export interface Store extends AsyncDisposable {
  get(key: string): Promise<Entry | undefined>;
  /** The entries whose keys begin with `prefix`, sorted bytewise by key, all as of one moment. */
  list(prefix: string): Promise<readonly Entry[]>;
  /**
   * Writes and answers the new revision. With `expected` only when the key's revision is that, 0 for a key that is not
   * there; aborted otherwise.
   */
  put(key: string, value: string, expected?: number): Promise<number>;
  /** Removes and answers whether the key was there. `expected` is as for `put`. */
  delete(key: string, expected?: number): Promise<boolean>;
  /**
   * Makes several changes at once, all or none, and answers the revision that all of them have, or that the store has
   * when there was nothing to change. Rejects with aborted naming a key whose condition does not hold,
   * failed_precondition for a lease that is over, invalid_argument for a key that occurs twice and for more than
   * `changeLimits`.
   */
  change(changes: readonly Change[]): Promise<number>;
  /**
   * A new lease, renewed by itself while this process lives and reaches the store, that lasts `ttlMs` without it, in
   * milliseconds; a store may make that longer. A store of one process alone never loses one.
   */
  lease(ttlMs: number): Promise<Lease>;
  /**
   * What is there under a prefix, then every change of it in the order of revisions, until `signal` aborts or the store
   * is closed, which ends it without an error. Of several changes of a key that happen before they are taken only the
   * latest is told, and when more is waiting than `backlogLimits` a new snapshot comes in its place: a slow watcher
   * misses steps on the way but never where they led. Changes made at once may be told apart. A connection that is lost
   * is made again without missing anything. Throws what cannot pass by itself: permission_denied, data_loss.
   */
  watch(prefix: string, signal: AbortSignal): AsyncIterable<StoreEvent>;
  readonly health: StoreHealth;
  /** Told every change of health until disposed. */
  onHealth(listener: (health: StoreHealth) => void): Disposable;
}
