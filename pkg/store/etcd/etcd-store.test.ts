import { after, before } from "node:test";
import { silentLog } from "#pkg/log/log.ts";
import { Etcd, etcdIsMissing } from "#test/support/etcd.ts";
import { storeContract } from "#test/support/store-contract.ts";
import { openStore } from "../open-store.ts";
import { parseStoreSpec } from "../store-spec.ts";

let etcd: Etcd | undefined;

before(async () => {
  etcd = etcdIsMissing === undefined ? await Etcd.start() : undefined;
});

after(() => etcd?.[Symbol.asyncDispose]());

let labs = 0;

storeContract("etcd", etcdIsMissing, async () => {
  labs += 1;
  const spec = parseStoreSpec(`etcd://${etcd?.addresses}/lab${labs}`);
  return {
    open: () => openStore(spec, { log: silentLog, env: {} }),
    async [Symbol.asyncDispose]() {},
  };
});
