/** A change as it is made inside a transaction. */
export interface Grouped<T> {
  /** Throws when the change is refused; writes nothing. */
  check(): void;
  /** Throws what the disk says, which takes the whole transaction back. */
  write(): T;
  /** Told once it is on the disk. */
  committed(result: T): void;
}

interface Waiting {
  readonly check: () => void;
  /** Answers what is to be done once the transaction is on the disk. */
  readonly write: () => () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Changes that are asked for in the same turn of the event loop share one transaction, and so one sync of the disk, in
 * the order they were asked for. One that is refused is refused alone, and one that cannot be written takes no other
 * with it.
 */
export class GroupCommit {
  readonly #transaction: (body: () => void) => void;
  #waiting: Waiting[] = [];

  /** `transaction` runs the body between begin and commit, and takes everything back when either throws. */
  constructor(transaction: (body: () => void) => void) {
    this.#transaction = transaction;
  }

  /** Resolves with what `write` answered when that is on the disk. */
  add<T>(change: Grouped<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const write = () => {
      const result = change.write();
      return () => {
        change.committed(result);
        resolve(result);
      };
    };
    this.#waiting.push({ check: () => change.check(), write, reject });
    if (this.#waiting.length === 1) {
      setImmediate(() => this.flush());
    }
    return promise;
  }

  /** Writes what is waiting now. */
  flush(): void {
    const group = this.#waiting;
    this.#waiting = [];
    if (group.length > 0) {
      this.#commit(group);
    }
  }

  #commit(group: readonly Waiting[]): void {
    const settlements: (() => void)[] = [];
    try {
      this.#transaction(() => {
        for (const { check, write, reject } of group) {
          try {
            check();
          } catch (error) {
            settlements.push(() => reject(error));
            continue;
          }
          settlements.push(write());
        }
      });
    } catch (error) {
      const [first, ...others] = group;
      if (others.length === 0) {
        first?.reject(error);
      } else {
        for (const waiting of group) {
          this.#commit([waiting]);
        }
      }
      return;
    }
    for (const settle of settlements) {
      settle();
    }
  }
}
