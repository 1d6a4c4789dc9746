import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { connectTo } from "./client.ts";

const goodbyes = 300;
const callers = 8;

/** A peer that answers every call with an empty message, as its user wants: `none` resets the stream's connection. */
async function openPeer(answerTo: (session: ServerHttp2Session, call: number) => "answer" | "none") {
  let calls = 0;
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
  });
  server.on("stream", (opened) => {
    const stream = opened as ServerHttp2Stream;
    stream.on("error", () => {});
    calls += 1;
    if (answerTo(stream.session as ServerHttp2Session, calls) === "none") {
      stream.session?.socket.destroy();
      return;
    }
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.alloc(5));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    address: { kind: "tcp", host: "127.0.0.1", port },
    sessions,
    calls: () => calls,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) {
        session.destroy();
      }
      server.close();
      await once(server, "close");
    },
  } as const;
}

test(`no call that only asks fails for ${goodbyes} goodbyes of its peer`, async () => {
  await using peer = await openPeer((session, call) => {
    if (call % 5 === 0) {
      session.close();
    }
    return "answer";
  });
  using client = connectTo(peer.address, { identity: undefined });
  const failures: unknown[] = [];
  const caller = async () => {
    while (peer.sessions.size < goodbyes) {
      await client.devices.list({}).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  assert.deepEqual(failures, []);
});

test("a call that only asks is made once more when its connection is lost, and not a third time", async () => {
  await using peer = await openPeer((_, call) => (call === 2 ? "answer" : "none"));
  using client = connectTo(peer.address, { identity: undefined });
  await client.lab.describe({ device: "board" });
  const failure = await client.lab.list({}).catch((error: unknown) => error);
  assert.deepEqual([failure instanceof DutError && failure.code, peer.calls()], ["unavailable", 4]);
});

test("a call that changes something is made once", async () => {
  await using peer = await openPeer(() => "none");
  using client = connectTo(peer.address, { identity: "alice@h" });
  const failure = await client.lab.lock({ device: "board" }).catch((error: unknown) => error);
  assert.deepEqual([failure instanceof DutError && failure.code, peer.calls()], ["unavailable", 1]);
});
