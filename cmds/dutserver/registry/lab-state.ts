import { DutError } from "#pkg/errors/dut-error.ts";
import type { Change, Entry, Store } from "#pkg/store/store.ts";
import { type AgentRecord, keys, type OwnerRecord, type ServerRecord, subjectOf } from "./agent-record.ts";

/** A record with the revision that a change of it has to expect. */
export interface Known<T> {
  readonly value: T;
  readonly revision: number;
}

/** What has changed. */
export type LabChange =
  | { readonly kind: "agent" | "device"; readonly name: string }
  | { readonly kind: "server"; readonly name: string; readonly alive: boolean };

/**
 * The store's records as they are, in memory: what this server changes shows at once, what others change when the store
 * tells of it. Nothing here is true before the store has it.
 */
export class LabState {
  readonly agents = new Map<string, Known<AgentRecord>>();
  /** Who owns which device, by the device's name. */
  readonly owners = new Map<string, Known<OwnerRecord>>();
  /** The servers that live, by id. */
  readonly servers = new Map<string, Known<ServerRecord>>();
  readonly #store: Store;
  readonly #tell: (change: LabChange) => void;
  /** Of keys that are gone: what is told of them late is older. */
  readonly #gone = new Map<string, number>();

  constructor(store: Store, tell: (change: LabChange) => void) {
    this.#store = store;
    this.#tell = tell;
  }

  /**
   * Resolves when all is known, and keeps it so until the signal; `failed` is told what ends it before that. Throws what
   * keeps the store from being read, and the signal's reason.
   */
  async follow(signal: AbortSignal, failed: (error: unknown) => void): Promise<void> {
    const first = Promise.withResolvers<void>();
    const following = (async () => {
      for await (const event of this.#store.watch("", signal)) {
        switch (event.kind) {
          case "snapshot":
            this.#replace(event.entries);
            first.resolve();
            break;
          case "put":
            this.#put(event.entry);
            break;
          case "delete":
            this.#delete(event.key, event.revision);
            break;
        }
      }
    })();
    following.then(
      () => first.reject(signal.reason),
      (error: unknown) => {
        first.reject(error);
        first.promise.then(
          () => failed(error),
          () => "whoever waits for the first is told",
        );
      },
    );
    await first.promise;
  }

  /** Makes changes, all or none, and shows them. Throws as the store's `change` does. */
  async change(changes: readonly Change[]): Promise<void> {
    const revision = await this.#store.change(changes);
    for (const change of changes) {
      if (change.kind === "put") {
        this.#put({ key: change.key, value: change.value, revision });
      } else if (change.kind === "delete") {
        this.#delete(change.key, revision);
      }
    }
  }

  /**
   * Makes the changes that `plan` wants of the state as it is, and plans anew when somebody else was faster. Answers what
   * the plan answered.
   */
  async settle<T>(plan: () => { changes: readonly Change[]; result: T }): Promise<T> {
    const mostTries = 20;
    for (let tries = 1; ; tries++) {
      const { changes, result } = plan();
      try {
        if (changes.length > 0) {
          await this.change(changes);
        }
        return result;
      } catch (error) {
        if (!(error instanceof DutError) || error.code !== "aborted" || tries === mostTries) {
          throw error;
        }
        await this.#refresh(changes.map(({ key }) => key));
      }
    }
  }

  async #refresh(stale: readonly string[]): Promise<void> {
    for (const key of stale) {
      const entry = await this.#store.get(key);
      if (entry === undefined) {
        this.#delete(key, Number.POSITIVE_INFINITY);
      } else {
        this.#put(entry);
      }
    }
  }

  #replace(entries: readonly Entry[]): void {
    const there = new Set(entries.map(({ key }) => key));
    for (const [subject, records] of this.#all()) {
      for (const name of records.keys()) {
        if (!there.has(keys[subject](name))) {
          this.#delete(keys[subject](name), Number.POSITIVE_INFINITY);
        }
      }
    }
    this.#gone.clear();
    for (const entry of entries) {
      this.#put(entry);
    }
  }

  #put({ key, value, revision }: Entry): void {
    const found = subjectOf(key);
    if (found === undefined || (this.#gone.get(key) ?? 0) >= revision) {
      return;
    }
    const records = this.#recordsOf(found.subject);
    if ((records.get(found.name)?.revision ?? 0) >= revision) {
      return;
    }
    this.#gone.delete(key);
    records.set(found.name, { value: JSON.parse(value), revision });
    this.#told(found);
  }

  #delete(key: string, revision: number): void {
    const found = subjectOf(key);
    const known = found && this.#recordsOf(found.subject).get(found.name);
    if (found === undefined || known === undefined || known.revision > revision) {
      return;
    }
    if (Number.isFinite(revision)) {
      this.#gone.set(key, revision);
    }
    this.#recordsOf(found.subject).delete(found.name);
    this.#told(found);
  }

  #told({ subject, name }: NonNullable<ReturnType<typeof subjectOf>>): void {
    this.#tell(subject === "server" ? { kind: subject, name, alive: this.servers.has(name) } : { kind: subject, name });
  }

  #recordsOf(subject: keyof typeof keys): Map<string, Known<unknown>> {
    return { agent: this.agents, device: this.owners, server: this.servers }[subject] as Map<string, Known<unknown>>;
  }

  #all(): readonly (readonly [keyof typeof keys, Map<string, Known<unknown>>])[] {
    return (["agent", "device", "server"] as const).map((subject) => [subject, this.#recordsOf(subject)]);
  }
}
