import { setTimeout as wait } from "node:timers/promises";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { timed } from "../medians.ts";

/** Between two lists, and what one is waited for, in milliseconds. */
const pauseMs = 100;
const patienceMs = 5_000;

export interface Canary {
  /** Milliseconds of each list; one that failed counts as one that is waited for in vain. */
  readonly times: readonly number[];
  readonly failures: readonly unknown[];
}

/** Lists as a user does, over a new connection each time, again and again while something else goes on. */
export async function canaryDuring(address: string, work: () => Promise<unknown>): Promise<Canary> {
  const over = new AbortController();
  const times: number[] = [];
  const failures: unknown[] = [];
  const listing = (async () => {
    while (!over.signal.aborted) {
      try {
        times.push(await timed(() => listOnce(address)));
      } catch (error) {
        failures.push(error);
        times.push(patienceMs);
      }
      await wait(pauseMs);
    }
  })();
  try {
    await work();
  } finally {
    over.abort();
    await listing;
  }
  return { times, failures };
}

async function listOnce(address: string): Promise<void> {
  using connection = connectTo(parseAddress(address), { identity: "canary" });
  await connection.lab.list({}, { timeoutMs: patienceMs });
}
