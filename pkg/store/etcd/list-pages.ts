import { DutError } from "#pkg/errors/dut-error.ts";
import { type KeyValue, KV } from "#pkg/protocol/gen/etcdserverpb/etcd_pb.ts";
import type { CallOptions, Cluster } from "./cluster.ts";
import { isCompacted } from "./etcd-fault.ts";

/** Entries in one answer, and in one where those would not fit into a message. */
const pageSizes = { usual: 1_000, ofLarge: 100 } as const;

export interface Listing {
  readonly kvs: readonly KeyValue[];
  /** What the listing is of; what comes later is a change of it. */
  readonly revision: bigint;
}

interface Range {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

/** All keys of a range as of one revision, page by page. Throws what Cluster.call does. */
export async function listPages(cluster: Cluster, range: Range, signal?: AbortSignal): Promise<Listing> {
  const options: CallOptions = { repeatable: true, ...(signal === undefined ? {} : { signal }) };
  for (let limit: number = pageSizes.usual; ; ) {
    try {
      return await listBy(cluster, range, limit, options);
    } catch (error) {
      if (limit === pageSizes.usual && error instanceof DutError && error.code === "resource_exhausted") {
        limit = pageSizes.ofLarge;
      } else if (!isCompacted(error)) {
        throw error;
      }
    }
  }
}

async function listBy(cluster: Cluster, range: Range, limit: number, options: CallOptions): Promise<Listing> {
  const kvs: KeyValue[] = [];
  let revision = 0n;
  let { key } = range;
  for (;;) {
    const request = { key, rangeEnd: range.rangeEnd, limit: BigInt(limit), revision };
    const page = await cluster.call(KV.method.range, request, options);
    revision ||= page.header?.revision ?? 0n;
    kvs.push(...page.kvs);
    const last = page.kvs.at(-1);
    if (!page.more || last === undefined) {
      return { kvs, revision };
    }
    key = Buffer.concat([last.key, Buffer.of(0)]);
  }
}
