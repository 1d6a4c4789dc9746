import assert from "node:assert/strict";
import { once } from "node:events";
import { constants, createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { parseAddress } from "#pkg/protocol/address.ts";
import { RangeResponseSchema, WatchResponseSchema } from "#pkg/protocol/gen/etcdserverpb/etcd_pb.ts";
import { enveloped } from "#pkg/protocol/grpc/envelope.ts";
import { limits } from "#pkg/protocol/limits.ts";
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

/** A member of an etcd without keys, of which the test says how its first watch ends; its second tells of one key. */
async function memberWhoseWatch(end: (watch: ServerHttp2Stream) => void) {
  const server = createServer();
  let watches = 0;
  server.on("stream", (stream: ServerHttp2Stream, { ":path": path = "" }) => {
    stream.on("error", () => "a watch that is left is reset");
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    if (!path.endsWith("/Watch")) {
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      const range = toBinary(RangeResponseSchema, create(RangeResponseSchema, { header: { revision: 1n } }));
      stream.end(enveloped(range, limits.fileMessageBytes));
    } else if (++watches === 1) {
      end(stream);
    } else {
      stream.write(watchAnswer({ events: [{ kv: { key: Buffer.from("/lab/a"), modRevision: 2n } }] }));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => void server.close(),
  };
}

function watchAnswer(answer: MessageInitShape<typeof WatchResponseSchema>): Buffer {
  return enveloped(toBinary(WatchResponseSchema, create(WatchResponseSchema, answer)), limits.fileMessageBytes);
}

function status(code: number, message: string) {
  return (watch: ServerHttp2Stream) => {
    watch.on("wantTrailers", () => watch.sendTrailers({ "grpc-status": code, "grpc-message": message }));
    watch.end();
  };
}

function canceled(cancelReason: string) {
  return (watch: ServerHttp2Stream) => void watch.write(watchAnswer({ canceled: true, cancelReason }));
}

const refused = "rpc error: code = PermissionDenied desc = etcdserver: permission denied";

for (const [what, end, told] of [
  ["a member that has lost its leader", status(1, "etcdserver: watch canceled"), "put"],
  ["an error that etcd has no name for", status(2, "oops"), "put"],
  ["a stream that is reset", (watch: ServerHttp2Stream) => watch.close(constants.NGHTTP2_INTERNAL_ERROR), "put"],
  ["a token that ended in this moment", status(16, "etcdserver: invalid auth token"), "put"],
  ["a cancellation without a reason", canceled(""), "put"],
  ["a cancellation for a token", canceled("etcdserver: revision of auth store is old"), "put"],
  ["a refusal of the keys", canceled(refused), `permission_denied: etcd ended the watch: ${refused}`],
  ["lost data", status(15, "etcdserver: corrupt cluster"), "data_loss: etcdserver: corrupt cluster"],
] as const) {
  test(`${what} ${told === "put" ? "ends no watch" : "ends a watch with that"}`, async () => {
    using member = await memberWhoseWatch(end);
    using cluster = new Cluster({
      members: [parseAddress(member.address)],
      ...{ tls: undefined, credentials: undefined, onTrouble() {} },
    });
    const over = new AbortController();
    const watched = { cluster, keys: new KeySpace("/lab/"), prefix: "" };
    const events = watchEtcd(watched, over.signal)[Symbol.asyncIterator]();
    await events.next();
    const next = await events.next().then(
      ({ value }) => value.kind,
      ({ code, message }) => `${code}: ${message}`,
    );
    over.abort();
    assert.equal(next, told);
  });
}
