import type { Device } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { unlessAborted } from "#pkg/protocol/unless-aborted.ts";
import { unreached } from "../agents/ask-all.ts";
import type { Callee } from "../agents/callee.ts";
import { devicesOf, isUnknownCall } from "./devices-of.ts";
import type { Door } from "./door.ts";

/** How often agents are asked that cannot be watched, and tried that cannot be reached, in milliseconds. */
export interface Pace {
  readonly pollMs: number;
  readonly retryMs: number;
  /** How long somebody who is asked for the first time may say nothing, in milliseconds. */
  readonly firstMs: number;
}

/** How long an old agent may take to answer, in milliseconds. */
const patienceMs = 5_000;

/** What becomes known of one agent's devices. */
export type News =
  /** Everything that it has. */
  | { readonly kind: "all"; readonly devices: readonly Device[] }
  | { readonly kind: "changed"; readonly device: Device }
  | { readonly kind: "removed"; readonly name: string }
  /** Nothing is known any more, for a reason. */
  | { readonly kind: "fault"; readonly reason: string };

export interface Following {
  readonly pace: Pace;
  /** Ends the news without an error. */
  readonly signal: AbortSignal;
  /** A knock says that the agent may well answer now, or something new. */
  readonly door: Door;
}

/** Watches an agent for as long as the signal lets it, through all its restarts; an old agent is asked again and again. */
export async function* newsOf(callee: Callee, { pace, signal, door }: Following): AsyncGenerator<News> {
  while (!signal.aborted) {
    let pauseMs = pace.retryMs;
    // What is answered in this turn may be older than a knock that comes meanwhile.
    const knocked = door.listen();
    try {
      yield* watched(callee, signal);
    } catch (error) {
      if (isUnknownCall(error)) {
        pauseMs = pace.pollMs;
        yield await asked(callee, signal);
      } else if (!signal.aborted) {
        yield { kind: "fault", reason: unreached(callee, error).message };
      }
    }
    await pause(pauseMs, signal, knocked);
  }
}

async function* watched(callee: Callee, signal: AbortSignal): AsyncGenerator<News> {
  for await (const { event } of callee.clients.lab.watch({}, { signal })) {
    switch (event.case) {
      case "snapshot":
        yield { kind: "all", devices: event.value.devices };
        break;
      case "changed":
        yield { kind: "changed", device: event.value };
        break;
      case "removed":
        yield { kind: "removed", name: event.value };
        break;
    }
  }
}

async function asked(callee: Callee, signal: AbortSignal): Promise<News> {
  try {
    return { kind: "all", devices: await devicesOf(callee, { signal, timeoutMs: patienceMs }) };
  } catch (error) {
    return { kind: "fault", reason: unreached(callee, error).message };
  }
}

/** Until the time is over, somebody knocks, or the signal aborts. */
async function pause(milliseconds: number, signal: AbortSignal, knocked: Promise<void>): Promise<void> {
  const over = AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]);
  try {
    await unlessAborted(knocked, over);
  } catch (error) {
    if (!over.aborted) {
      throw error;
    }
  }
}
