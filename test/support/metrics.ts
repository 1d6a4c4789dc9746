import { readdir } from "node:fs/promises";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { collectGarbage } from "./collect-garbage.ts";
import type { Daemon } from "./lab.ts";

/** What a daemon shows at /metrics, by name and labels as they stand there. */
export async function metricsOf({ address }: Pick<Daemon, "address">): Promise<ReadonlyMap<string, number>> {
  const page = await get(`http://${address.replace("localhost", "127.0.0.1")}/metrics`);
  return new Map(
    Array.from(page.matchAll(/^([a-z_]+(?:\{[^}]*\})?) (\S+)$/gm), ([, name = "", value]) => [name, Number(value)]),
  );
}

/** How often a limit was hit at a daemon. */
export async function hitsOf(daemon: Daemon, limit: string): Promise<number> {
  for (const [name, value] of await metricsOf(daemon)) {
    if (name.endsWith(`_limit_hits_total{limit="${limit}"}`)) {
      return value;
    }
  }
  throw new Error(`there is no limit ${limit}`);
}

/** Over a connection of its own: one that stays would be counted. */
async function get(url: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  request(url, { agent: false }, (response) => text(response).then(resolve, reject))
    .on("error", reject)
    .end();
  return promise;
}

/** What a daemon needs of the machine. */
interface Needs {
  /** Megabytes in use by what is not garbage. */
  readonly kept: number;
  /** Megabytes that the system has given it, of which the allocators keep some for next time. */
  readonly resident: number;
  readonly descriptors: number;
  readonly connections: number;
  readonly streams: number;
  /** What its event loop waits for. */
  readonly handles: number;
}

/** How long it may take to need no more than before, in milliseconds. */
const recoveryMs = 30_000;
const lookMs = 500;
/** What allocators may keep of an attack for next time, in megabytes. */
const retained = 64;

async function needsOf(daemon: Daemon): Promise<Needs> {
  await collectGarbage(daemon);
  const metrics = await metricsOf(daemon);
  const sum = (end: string) =>
    [...metrics].reduce((total, [name, value]) => (name.endsWith(end) ? total + value : total), 0);
  const megabytes = (...names: readonly string[]) =>
    Math.round(names.reduce((total, name) => total + (metrics.get(name) ?? Number.NaN), 0) / 1e6);
  return {
    kept: megabytes("nodejs_heap_size_used_bytes", "nodejs_external_memory_bytes"),
    resident: megabytes("process_resident_memory_bytes"),
    descriptors: (await readdir(`/proc/${daemon.process.pid}/fd`)).length,
    connections: sum("_connections"),
    streams: sum("_streams"),
    handles: metrics.get("nodejs_active_handles_total") ?? 0,
  };
}

/**
 * Looks what a daemon needs, which has to be `debuggable`. The result resolves when it needs no more than a tenth more, with the figures, and throws
 * them when that does not come.
 */
export async function recovery(daemon: Daemon): Promise<() => Promise<string>> {
  const before = await needsOf(daemon);
  const kinds = Object.keys(before) as (keyof Needs)[];
  // Of what there are few, one or two come and go with every call.
  const enough = (what: keyof Needs) => (what === "resident" ? before[what] + retained : before[what] * 1.1 + 3);
  return async () => {
    const deadline = performance.now() + recoveryMs;
    for (;;) {
      const now = await needsOf(daemon);
      const figures = kinds.map((what) => `${what} ${before[what]} → ${now[what]}`).join(", ");
      if (kinds.every((what) => now[what] <= enough(what))) {
        return figures;
      }
      if (performance.now() > deadline) {
        throw new Error(`after ${recoveryMs / 1000} s there is more in use than before: ${figures}`);
      }
      await setTimeout(lookMs);
    }
  };
}
