import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "#pkg/protocol/address.ts";
import { Etcd, etcdIsMissing } from "#test/support/etcd.ts";
import { Cluster } from "./cluster.ts";
import { watchEtcd } from "./etcd-watch.ts";
import { KeySpace } from "./key-space.ts";

const root = { name: "root", password: "r" };

test("a watch is let in again by a new token when nobody else has asked for one", { skip: etcdIsMissing }, async () => {
  await using etcd = await Etcd.start();
  for (const [path, body] of [
    ["user/add", root],
    ["user/grant", { user: "root", role: "root" }],
    ["enable", {}],
  ] as const) {
    await etcd.ask(`/v3/auth/${path}`, body);
  }
  using cluster = new Cluster({
    members: [parseAddress(etcd.addresses)],
    tls: undefined,
    credentials: root,
    onTrouble() {},
  });
  const end = new AbortController();
  const watched = { cluster, keys: new KeySpace("/lab/"), prefix: "" };
  const events = watchEtcd(watched, end.signal)[Symbol.asyncIterator]();
  await events.next();
  const { token: fresh } = (await etcd.ask("/v3/auth/authenticate", root)) as { token: string };
  await etcd.ask("/v3/auth/user/changepw", root, { authorization: fresh });
  await etcd.kill();
  await etcd.run();
  const { token } = (await etcd.ask("/v3/auth/authenticate", root)) as { token: string };
  await etcd.ask("/v3/kv/put", { key: btoa("/lab/a"), value: btoa("1") }, { authorization: token });
  const { value } = await events.next();
  assert.deepEqual([value.kind, value.entry.key, value.entry.value], ["put", "a", "1"]);
  end.abort();
});
