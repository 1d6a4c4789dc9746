import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { RangeResponseSchema } from "#pkg/protocol/gen/etcdserverpb/etcd_pb.ts";
import { enveloped } from "#pkg/protocol/grpc/envelope.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { Lab } from "#test/support/lab.ts";

type Call = "Txn" | "Range" | "Watch" | "LeaseGrant";

/** What becomes of a call: an answer, a status of gRPC with its message, or nothing with the connection. */
type Fate = "answered" | "open" | "dropped" | readonly [status: number, message: string];

/** A member of an etcd without keys that treats each call as the test says. */
async function member(fates: Partial<Record<Call, Fate>>) {
  const server = createServer();
  const drops = Promise.withResolvers<void>();
  let dropped = 0;
  server.on("stream", (stream: ServerHttp2Stream, { ":path": path = "" }) => {
    stream.on("error", () => "a server that ends resets its calls");
    const fate = fates[path.slice(path.lastIndexOf("/") + 1) as Call] ?? "open";
    if (fate === "dropped") {
      stream.session?.destroy();
      dropped += 1;
      if (dropped === 3) {
        drops.resolve();
      }
      return;
    }
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    if (fate !== "open") {
      const [status, message] = fate === "answered" ? [0, ""] : fate;
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status, "grpc-message": message }));
      // Every answer of etcd begins with this header.
      const answer = toBinary(RangeResponseSchema, create(RangeResponseSchema, { header: { revision: 1n } }));
      stream.end(fate === "answered" ? enveloped(answer, limits.fileMessageBytes) : undefined);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    store: `etcd://127.0.0.1:${(server.address() as AddressInfo).port}/lab`,
    /** Resolves when three calls were dropped. */
    droppedThrice: drops.promise,
    [Symbol.dispose]: () => void server.close(),
  };
}

test("a server whose etcd goes away while it starts waits for it, and stops when it is told to", async (t) => {
  using etcd = await member({ Txn: "answered", Range: "dropped" });
  await using lab = await Lab.open(t.signal);
  const server = lab.start("dutserver", ["-s", "localhost:0", "-store", etcd.store]);
  await Promise.race([etcd.droppedThrice, server.ended]);
  const { code, stderr } = await server.stop();
  assert.deepEqual([code, /shutting down .*/.exec(stderr)?.[0]], [0, "shutting down signal=SIGTERM"]);
});

for (const [what, fates, message] of [
  ["state that cannot be read", { Range: [15, "corrupt"] }, "cannot open the state err=corrupt"],
  [
    "an etcd that lets it be known to nobody",
    { Range: "answered", LeaseGrant: [7, "etcdserver: permission denied"] },
    'cannot join the other servers err="etcdserver: permission denied"',
  ],
] as const) {
  test(`a server with ${what} says so and ends with status 1`, async (t) => {
    using etcd = await member({ Txn: "answered", ...fates });
    await using lab = await Lab.open(t.signal);
    const { code, stderr } = await lab.start("dutserver", ["-s", "localhost:0", "-store", etcd.store]).ended;
    const [, fault] = / ERROR \S+ (.*)/.exec(stderr) ?? [];
    assert.deepEqual([code, fault, stderr.includes("    at ")], [1, message, false], stderr);
  });
}
