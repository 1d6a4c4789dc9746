import { setTimeout as delay } from "node:timers/promises";
import { Event_EventType, KV, Watch } from "#pkg/protocol/gen/etcdserverpb/etcd_pb.ts";
import type { Backlog } from "../backlog.ts";
import { type Beginning, follow } from "../follow.ts";
import type { StoreEvent } from "../store.ts";
import type { Cluster } from "./cluster.ts";
import { isFinal, watchEnded } from "./etcd-fault.ts";
import type { KeySpace } from "./key-space.ts";
import { listPages } from "./list-pages.ts";

/** Before another try, in milliseconds. */
const retryMs = 250;

interface Watched {
  readonly cluster: Cluster;
  readonly keys: KeySpace;
  readonly prefix: string;
}

/** As Store.watch: from the revision of the list on, whatever becomes of connections and members. */
export function watchEtcd(watched: Watched, signal: AbortSignal): AsyncIterable<StoreEvent> {
  return follow((backlog) => begin(watched, backlog, signal), signal);
}

async function begin(watched: Watched, backlog: Backlog, signal: AbortSignal): Promise<Beginning> {
  const { cluster, keys, prefix } = watched;
  const { kvs, revision } = await untilAnswered(() => listPages(cluster, keys.range(prefix), signal), signal);
  const end = new AbortController();
  void feed(watched, backlog, revision + 1n, AbortSignal.any([signal, end.signal]));
  return { entries: kvs.map((kv) => keys.entry(kv)), [Symbol.dispose]: () => end.abort() };
}

/** Fills the backlog with every change from a revision on, until track is lost or the signal aborts. */
async function feed(watched: Watched, backlog: Backlog, from: bigint, signal: AbortSignal): Promise<void> {
  const position = { next: from };
  try {
    await untilAnswered(() => takeFrom(watched, backlog, position, signal), signal);
  } catch (error) {
    if (!signal.aborted) {
      backlog.fail(error);
    }
  }
}

/** One stream of changes, as long as it lasts. Returns when the changes that come next are no longer kept. */
async function takeFrom(
  { cluster, keys, prefix }: Watched,
  backlog: Backlog,
  position: { next: bigint },
  signal: AbortSignal,
): Promise<void> {
  const range = keys.range(prefix);
  // A watch with a token that is over is merely refused; a question has it renewed.
  await cluster.call(KV.method.range, { ...range, limit: 1n, keysOnly: true }, { repeatable: true, signal });
  const create = { ...range, startRevision: position.next };
  const request = { requestUnion: { case: "createRequest", value: create } } as const;
  for await (const answer of cluster.stream(Watch.method.watch, request, signal)) {
    if (answer.compactRevision > 0n) {
      backlog.loseTrack();
      return;
    }
    if (answer.canceled) {
      throw watchEnded(answer.cancelReason);
    }
    for (const { type, kv } of answer.events) {
      if (kv !== undefined) {
        position.next = kv.modRevision + 1n;
        backlog.add(
          type === Event_EventType.DELETE
            ? { kind: "delete", key: keys.key(kv), revision: Number(kv.modRevision) }
            : { kind: "put", entry: keys.entry(kv) },
        );
      }
    }
  }
}

/** Tries again for as long as that may help. */
async function untilAnswered<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted || isFinal(error)) {
        throw error;
      }
      // While nothing answers this may be all that keeps the process from ending.
      await delay(retryMs, undefined, { signal });
    }
  }
}
