import type { Socket } from "node:net";
import type { LimitName } from "#pkg/metrics/limit-names.ts";
import { limits } from "./limits.ts";
import { type Source, sourceOf } from "./source.ts";

/** A connection that has a place. */
export interface Guest {
  /** It has made a request: from now on it counts among those of which something is known. */
  spoke(): void;
  /**
   * It was taken over by somebody who waits for its proof, and who bounds the time for that. It has a place of another kind
   * then, so that whoever comes next need not wait for proofs. When there is none it stays silent, and may be so for
   * another second before it makes room for others.
   */
  examined(): void;
  /** It is not the listener's any more: whose it is knows who is there, and it counts for nothing here. */
  left(): void;
  /** It was closed for abuse. */
  abused(): void;
}

export interface BudgetOptions {
  /** From accepting a connection to its first request, in milliseconds. */
  readonly firstRequestMs: number;
  /** Told every limit that is hit, with the name of the source. */
  readonly onHit: (limit: LimitName, source: string) => void;
  /** Gives milliseconds and only goes forward. */
  readonly now?: () => number;
}

/** What a source has open, and has done of late. */
interface Account {
  readonly source: Source;
  silent: number;
  examined: number;
  spoken: number;
  /** When connections of it were closed for abuse. */
  abuses: readonly number[];
  penalisedUntil: number;
  /** Those of it who waited and took a place from somebody, in a second that began then. */
  pushes: { readonly began: number; readonly count: number };
}

interface Connection {
  readonly socket: Pick<Socket, "destroy">;
  readonly account: Account;
  readonly enter: (guest: Guest) => void;
  readonly patience: NodeJS.Timeout;
  state: "waiting" | "silent" | "examined" | "spoken" | "gone";
  /** When it got its place, or began to be examined. */
  seatedAt: number;
}

/** One that nobody counts. */
export const uncounted: Guest = { spoke() {}, examined() {}, left() {}, abused() {} };

/** How often those who wait look for a place, in milliseconds. */
const lookMs = 100;
/** Accounts beyond so many are looked through for those that are of no use any more. */
const manyAccounts = 1024;

/**
 * Which connections a listener serves. Those that have asked for nothing yet are bounded for each source and in total. One
 * that comes beyond gets the place of the one that has been silent the longest, once that is longer than a second: who
 * wants something says so at once. Until then it waits, the newest before the others.
 */
export class ConnectionBudget {
  readonly #options: BudgetOptions;
  readonly #now: () => number;
  readonly #accounts = new Map<string, Account>();
  /** Who has had a place the longest is the first. */
  readonly #silent = new Set<Connection>();
  /** The newest is the last. */
  readonly #waiting: Connection[] = [];
  #examined = 0;
  #spoken = 0;
  #looking: NodeJS.Timeout | undefined;
  #seating: NodeJS.Immediate | undefined;

  constructor(options: BudgetOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Calls `enter` when there is a place for the connection, at once or later; destroys one for which there is none. */
  admit(socket: Pick<Socket, "remoteAddress" | "destroy" | "once">, enter: (guest: Guest) => void): void {
    const account = this.#accountOf(sourceOf(socket.remoteAddress));
    const refusal = this.#refusalOf(account);
    if (refusal !== undefined) {
      this.#options.onHit(refusal, account.source.name);
      socket.destroy();
      return;
    }
    const patience = setTimeout(() => this.#drop(connection, "first_request"), this.#options.firstRequestMs).unref();
    const connection: Connection = { socket, account, enter, patience, state: "waiting", seatedAt: 0 };
    socket.once("close", () => this.#leave(connection));
    const full = this.#fullnessFor(account);
    if (full !== undefined) {
      this.#options.onHit(full, account.source.name);
    }
    this.#waiting.push(connection);
    this.#seat(connection);
  }

  #refusalOf(account: Account): LimitName | undefined {
    const { perSource, fromHere, total } = limits.connections;
    if (silentPlaces(account, this.#now()) === 0) {
      return "penalised";
    }
    if (account.spoken >= (account.source.here ? fromHere : perSource)) {
      return "connections_per_source";
    }
    return this.#spoken >= total ? "connections_total" : undefined;
  }

  #fullnessFor(account: Account): "silent_per_source" | "silent_total" | undefined {
    if (account.silent >= silentPlaces(account, this.#now())) {
      return "silent_per_source";
    }
    return this.#silent.size >= limits.silent.total ? "silent_total" : undefined;
  }

  /** Gives places to those who wait, to the newest first, and turns the oldest away when too many wait. */
  #seat(newcomer?: Connection): void {
    for (const connection of this.#waiting.toReversed()) {
      const full = this.#fullnessFor(connection.account);
      if (full === undefined || this.#push(connection, full, connection === newcomer)) {
        this.#enter(connection);
      }
    }
    for (let oldest = this.#waiting[0]; oldest !== undefined && this.#waiting.length > limits.silent.waiting; ) {
      this.#drop(oldest, "waiting");
      oldest = this.#waiting[0];
    }
    if (this.#waiting.length > 0 && this.#looking === undefined) {
      this.#looking = setTimeout(() => {
        this.#looking = undefined;
        this.#seat();
      }, lookMs).unref();
    }
  }

  #enter(connection: Connection): void {
    this.#waiting.splice(this.#waiting.indexOf(connection), 1);
    connection.state = "silent";
    connection.seatedAt = this.#now();
    connection.account.silent += 1;
    this.#silent.add(connection);
    connection.enter({
      spoke: () => this.#speak(connection),
      examined: () => this.#examine(connection),
      left: () => this.#leave(connection),
      abused: () => this.#abused(connection.account),
    });
  }

  /**
   * Lets a connection take the place of one that has been silent for long enough, if there is one. Those who wait may do
   * so with a quarter of the places in a second, or hundreds of them would take the places from each other, and from
   * whoever comes next.
   */
  #push({ account }: Connection, full: "silent_per_source" | "silent_total", isNew: boolean): boolean {
    const now = this.#now();
    if (now - account.pushes.began >= limits.silent.safeMs) {
      account.pushes = { began: now, count: 0 };
    }
    const { began, count } = account.pushes;
    if (!isNew && count >= Math.ceil(silentPlaces(account, now) / 4)) {
      return false;
    }
    const pushed = this.#makeRoom(full, account);
    if (pushed && !isNew) {
      account.pushes = { began, count: count + 1 };
    }
    return pushed;
  }

  /** Whether somebody who has been silent for long enough was there to be dropped, of an account where that one is full. */
  #makeRoom(full: "silent_per_source" | "silent_total", account: Account): boolean {
    const latest = this.#now() - limits.silent.safeMs;
    for (const connection of this.#silent) {
      if (connection.seatedAt > latest) {
        return false;
      }
      if (full === "silent_total" || connection.account === account) {
        this.#drop(connection, "made_room");
        return true;
      }
    }
    return false;
  }

  #speak(connection: Connection): void {
    if (connection.state === "silent" || connection.state === "examined") {
      this.#leave(connection);
      connection.state = "spoken";
      connection.account.spoken += 1;
      this.#spoken += 1;
    }
  }

  #examine(connection: Connection): void {
    if (connection.state !== "silent") {
      return;
    }
    const { account } = connection;
    clearTimeout(connection.patience);
    const { perSource, fromHere, total } = limits.examined;
    if (account.examined < (account.source.here ? fromHere : perSource) && this.#examined < total) {
      this.#leave(connection);
      connection.state = "examined";
      account.examined += 1;
      this.#examined += 1;
    } else {
      connection.seatedAt = this.#now();
      this.#silent.delete(connection);
      this.#silent.add(connection);
    }
  }

  #drop(connection: Connection, limit: LimitName): void {
    this.#options.onHit(limit, connection.account.source.name);
    this.#leave(connection);
    connection.socket.destroy();
  }

  #leave(connection: Connection): void {
    const { account, state } = connection;
    clearTimeout(connection.patience);
    connection.state = "gone";
    switch (state) {
      case "waiting":
        this.#waiting.splice(this.#waiting.indexOf(connection), 1);
        break;
      case "silent":
        this.#silent.delete(connection);
        account.silent -= 1;
        this.#seatSoon();
        break;
      case "examined":
        account.examined -= 1;
        this.#examined -= 1;
        break;
      case "spoken":
        account.spoken -= 1;
        this.#spoken -= 1;
        break;
      case "gone":
        break;
    }
  }

  /** There is a place: those who wait need not wait until they look again. */
  #seatSoon(): void {
    if (this.#waiting.length > 0 && this.#seating === undefined) {
      clearTimeout(this.#looking);
      this.#looking = undefined;
      this.#seating = setImmediate(() => {
        this.#seating = undefined;
        this.#seat();
      });
    }
  }

  #abused(account: Account): void {
    const { closed, withinMs, penaltyMs } = limits.abuse;
    const now = this.#now();
    account.abuses = [...account.abuses.filter((at) => now - at < withinMs), now];
    if (account.abuses.length >= closed) {
      account.penalisedUntil = now + penaltyMs;
    }
  }

  #accountOf(source: Source): Account {
    const known = this.#accounts.get(source.name);
    if (known !== undefined) {
      return known;
    }
    if (this.#accounts.size >= manyAccounts) {
      this.#forget();
    }
    const account: Account = {
      source,
      silent: 0,
      examined: 0,
      spoken: 0,
      abuses: [],
      penalisedUntil: 0,
      pushes: { began: 0, count: 0 },
    };
    this.#accounts.set(source.name, account);
    return account;
  }

  /** Forgets sources that have nothing open and have done nothing of late. */
  #forget(): void {
    const now = this.#now();
    const inUse = new Set(this.#waiting.map(({ account }) => account));
    for (const [name, account] of this.#accounts) {
      const { silent, examined, spoken, abuses, penalisedUntil } = account;
      const lately = Math.max(penalisedUntil, (abuses.at(-1) ?? 0) + limits.abuse.withinMs);
      if (silent + examined + spoken === 0 && !inUse.has(account) && (abuses.length === 0 || lately < now)) {
        this.#accounts.delete(name);
      }
    }
  }
}

/** How many silent connections a source may have. */
function silentPlaces({ source, penalisedUntil }: Account, now: number): number {
  if (penalisedUntil > now) {
    return source.here ? limits.abuse.fromHere : 0;
  }
  return source.here ? limits.silent.fromHere : limits.silent.perSource;
}
