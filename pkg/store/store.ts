/** A key with its text as of one change. */
export interface Entry {
  readonly key: string;
  readonly value: string;
  /** Of its last change: later changes of any key of the store have greater ones. At least 1. */
  readonly revision: number;
}

/**
 * Small state that outlives the process. What a call has resolved for is on disk: neither the end of the process nor of
 * the power takes it back. Calls take effect one after another, in the order they were made.
 *
 * All reject with resource_exhausted when nothing can be written (the disk is full, or read-only now); the next call may
 * succeed again.
 */
export interface Store extends AsyncDisposable {
  get(key: string): Promise<Entry | undefined>;
  /** The entries whose keys begin with `prefix`, sorted bytewise by key. */
  list(prefix: string): Promise<readonly Entry[]>;
  /**
   * Writes and answers the new revision. With `expected` only when the key's revision is that, 0 for a key that is not
   * there; aborted otherwise.
   */
  put(key: string, value: string, expected?: number): Promise<number>;
  /** Removes and answers whether the key was there. `expected` is as for `put`. */
  delete(key: string, expected?: number): Promise<boolean>;
}
