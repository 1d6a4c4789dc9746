import type { LimitName } from "./limit-names.ts";

/** A connection as its socket counts it, in bytes. */
export interface Traffic {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** What comes and goes. */
export type Thing = "sessions" | "streams" | "runs";

/** What a program counts of its work, for those who watch over it. Counting never throws. */
export interface Metrics {
  /** There is one more of these until it is disposed. */
  open(thing: Thing): Disposable;
  /** There is a connection on which we are called, with what passes over it, until it is disposed. */
  connection(traffic: Traffic): Disposable;
  limitHit(limit: LimitName): void;
  /** A call of the store has ended after so many seconds. */
  storeCall(call: string, seconds: number): void;
}

const nothing: Disposable = { [Symbol.dispose]() {} };

/** Counts nothing, for programs that nobody watches over. */
export const noMetrics: Metrics = {
  open: () => nothing,
  connection: () => nothing,
  limitHit() {},
  storeCall() {},
};
