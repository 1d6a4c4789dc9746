import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import {
  Compare_CompareTarget,
  type CompareSchema,
  type RequestOpSchema,
  type TxnRequestSchema,
  type TxnResponseSchema,
} from "#pkg/protocol/gen/etcdserverpb/etcd_pb.ts";
import { refuseChanged } from "../refuse-changed.ts";
import type { Change } from "../store.ts";
import { leaseOver } from "./etcd-fault.ts";
import { EtcdLease } from "./etcd-lease.ts";
import type { KeySpace } from "./key-space.ts";

/** A change as one transaction of etcd: made if every condition holds, and otherwise answered with what was found. */
export function transactionOf(changes: readonly Change[], keys: KeySpace): MessageInitShape<typeof TxnRequestSchema> {
  const conditions = conditionsIn(changes);
  return {
    compare: conditions.map(
      ({ key, expected }): MessageInitShape<typeof CompareSchema> => ({
        target: Compare_CompareTarget.MOD,
        key: keys.keyBytes(key),
        targetUnion: { case: "modRevision", value: BigInt(expected) },
      }),
    ),
    success: changes.flatMap((change) => operationsOf(change, keys)),
    failure: conditions.map(
      ({ key }): MessageInitShape<typeof RequestOpSchema> => ({
        request: { case: "requestRange", value: { key: keys.keyBytes(key), keysOnly: true } },
      }),
    ),
  };
}

function operationsOf(change: Change, keys: KeySpace): readonly MessageInitShape<typeof RequestOpSchema>[] {
  const key = keys.keyBytes(change.key);
  switch (change.kind) {
    case "put": {
      const put = { key, value: Buffer.from(change.value), lease: leaseIdOf(change.lease) };
      return [{ request: { case: "requestPut", value: put } }];
    }
    case "delete":
      return [{ request: { case: "requestDeleteRange", value: { key } } }];
    case "check":
      return [];
  }
}

function leaseIdOf(lease: Extract<Change, { kind: "put" }>["lease"]): bigint {
  if (lease === undefined) {
    return 0n;
  }
  if (!(lease instanceof EtcdLease) || lease.over) {
    throw leaseOver();
  }
  return lease.id;
}

export interface Outcome {
  readonly revision: number;
  /** How many keys were there and are not any more. */
  readonly deleted: number;
}

/** What a transaction came to. Throws aborted for one whose conditions do not hold. */
export function outcomeOf(
  { header, succeeded, responses }: MessageShape<typeof TxnResponseSchema>,
  changes: readonly Change[],
): Outcome {
  if (!succeeded) {
    for (const [index, { key, expected }] of conditionsIn(changes).entries()) {
      const found = responses[index]?.response;
      const revision = found?.case === "responseRange" ? found.value.kvs[0]?.modRevision : undefined;
      refuseChanged(key, Number(revision ?? 0n), expected);
    }
  }
  const deleted = responses.map(({ response }) =>
    response.case === "responseDeleteRange" ? Number(response.value.deleted) : 0,
  );
  return { revision: Number(header?.revision), deleted: deleted.reduce((sum, each) => sum + each, 0) };
}

function conditionsIn(changes: readonly Change[]): readonly { readonly key: string; readonly expected: number }[] {
  return changes.flatMap(({ key, expected }) => (expected === undefined ? [] : [{ key, expected }]));
}
