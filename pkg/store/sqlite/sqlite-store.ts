import type { DatabaseSync } from "node:sqlite";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { checkChanges } from "../checked-changes.ts";
import { Health } from "../health.ts";
import { refuseChanged } from "../refuse-changed.ts";
import type { Change, Entry, Lease, Step, Store, StoreEvent, StoreHealth } from "../store.ts";
import { Watchers } from "../watchers.ts";
import type { EntryTable } from "./entry-table.ts";
import { changeFault } from "./fault.ts";
import { GroupCommit } from "./group-commit.ts";
import { writeBeside } from "./write-beside.ts";

/** The least that a disk must have room for to be well. */
const leastRoom = 64 * 1024;

/** A lease lasts as long as this process: its keys are only in memory. */
class SqliteLease implements Lease {
  readonly lost = new AbortController().signal;
  readonly #end: (lease: SqliteLease) => void;

  constructor(end: (lease: SqliteLease) => void) {
    this.#end = end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(this);
  }
}

/** What a change came to. */
interface Made {
  readonly revision: number;
  readonly steps: readonly Step[];
}

/** The store in an open file. */
export class SqliteStore implements Store {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #table: EntryTable;
  readonly #health: Health;
  readonly #group: GroupCommit;
  readonly #watchers = new Watchers();
  /** The leases that are not over, by the numbers that their entries have. */
  readonly #leases = new Map<Lease, number>();
  readonly #open: DisposableStack;
  #latest: number;
  #leasesGiven = 0;
  /** What the disk must have room for before it is well again: twice what it had no room for. */
  #room = leastRoom;

  /** Takes over what is open, and closes it when it is disposed of. */
  constructor(db: DatabaseSync, path: string, table: EntryTable, open: DisposableStack) {
    this.#db = db;
    this.#path = path;
    this.#table = table;
    this.#open = open;
    this.#latest = table.latest;
    this.#group = new GroupCommit((body) => {
      this.#transaction(body);
      this.#emptyLog();
    });
    this.#health = open.use(new Health(async () => this.#probe()));
    open.use(this.#watchers);
    open.defer(() => this.#group.flush());
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#group.flush();
    return this.#table.get(key);
  }

  async list(prefix: string): Promise<readonly Entry[]> {
    this.#group.flush();
    return this.#table.list(prefix);
  }

  async put(key: string, value: string, expected?: number): Promise<number> {
    return this.change([{ kind: "put", key, value, expected }]);
  }

  async delete(key: string, expected?: number): Promise<boolean> {
    const { steps } = await this.#change([{ kind: "delete", key, expected }]);
    return steps.length > 0;
  }

  async change(changes: readonly Change[]): Promise<number> {
    const { revision } = await this.#change(changes);
    return revision;
  }

  async lease(): Promise<Lease> {
    const lease = new SqliteLease((ended) => this.#endLease(ended));
    this.#leasesGiven += 1;
    this.#leases.set(lease, this.#leasesGiven);
    return lease;
  }

  watch(prefix: string, signal: AbortSignal): AsyncIterable<StoreEvent> {
    return this.#watchers.watch(prefix, () => this.#table.list(prefix), signal);
  }

  get health(): StoreHealth {
    return this.#health.current;
  }

  onHealth(listener: (health: StoreHealth) => void): Disposable {
    return this.#health.onChange(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#open.dispose();
  }

  async #change(changes: readonly Change[]): Promise<Made> {
    const bytes = checkChanges(changes);
    try {
      return await this.#group.add<Made>({
        check: () => this.#check(changes),
        write: () => this.#write(changes),
        committed: ({ steps }) => this.#tell(steps),
      });
    } catch (error) {
      if (error instanceof DutError && error.code === "resource_exhausted") {
        this.#room = Math.max(this.#room, 2 * bytes);
        this.#health.degrade(error.message);
      }
      throw error;
    }
  }

  #check(changes: readonly Change[]): void {
    for (const change of changes) {
      refuseChanged(change.key, this.#table.get(change.key)?.revision ?? 0, change.expected);
      if (change.kind === "put" && change.lease !== undefined && !this.#leases.has(change.lease)) {
        throw new DutError("failed_precondition", "the lease is over");
      }
    }
  }

  #write(changes: readonly Change[]): Made {
    const revision = this.#latest + 1;
    const steps = changes.flatMap((change): readonly Step[] => {
      const { kind, key } = change;
      if (kind === "put") {
        const entry = { key, value: change.value, revision };
        this.#table.put(entry, change.lease && this.#leases.get(change.lease));
        return [{ kind, entry }];
      }
      return kind === "delete" && this.#table.remove(key) ? [{ kind, key, revision }] : [];
    });
    if (steps.length > 0) {
      this.#latest = revision;
    }
    return { revision: this.#latest, steps };
  }

  #tell(steps: readonly Step[]): void {
    for (const step of steps) {
      this.#watchers.tell(step);
    }
  }

  /** The disk hears of the new revision with the next change. */
  #endLease(lease: Lease): void {
    const number = this.#leases.get(lease);
    if (number === undefined || this.#open.disposed) {
      return;
    }
    this.#group.flush();
    this.#leases.delete(lease);
    const keys = this.#table.removeLeased(number);
    if (keys.length > 0) {
      this.#latest += 1;
      this.#tell(keys.map((key) => ({ kind: "delete", key, revision: this.#latest })));
    }
  }

  #transaction(body: () => void): void {
    const before = this.#latest;
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      try {
        body();
        if (this.#latest !== before) {
          this.#writeLatest();
        }
        this.#db.exec("COMMIT");
      } finally {
        // SQLite has ended the transaction by itself after some errors, such as that of a full disk.
        if (this.#db.isTransaction) {
          this.#db.exec("ROLLBACK");
        }
      }
    } catch (error) {
      this.#latest = before;
      throw changeFault(error, this.#path);
    }
  }

  /** What is committed is on the disk already; in the file, damage of the log cannot reach it. */
  #emptyLog(): void {
    try {
      this.#checkpoint();
    } catch (error) {
      this.#health.degrade(`the latest changes are only in the log of ${this.#path}: ${messageOf(error)}`);
    }
  }

  #checkpoint(): void {
    this.#db.exec("PRAGMA wal_checkpoint(PASSIVE)");
  }

  #writeLatest(): void {
    this.#table.latest = this.#latest;
  }

  #probe(): void {
    writeBeside(`${this.#path}.probe`, this.#room);
    this.#transaction(() => this.#writeLatest());
    this.#checkpoint();
    this.#room = leastRoom;
  }
}
