import assert from "node:assert/strict";
import { once } from "node:events";
import {
  type ClientHttp2Stream,
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Http2Session } from "./http2-session.ts";

interface Peer extends AsyncDisposable {
  readonly sessions: readonly ServerHttp2Session[];
  /** A session to it. */
  readonly session: Http2Session;
}

/** A peer that answers the path of every request once it has ended. */
async function echoingPeer(): Promise<Peer> {
  const server: Http2Server = createServer();
  const sessions: ServerHttp2Session[] = [];
  server.on("session", (session) => sessions.push(session));
  server.on("stream", (opened, headers) => {
    const stream = opened as ServerHttp2Stream;
    stream.on("error", () => {});
    stream.resume().once("end", () => {
      stream.respond({ ":status": 200 });
      stream.end(headers[":path"]);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const session = new Http2Session({ kind: "tcp", host: "127.0.0.1", port }, { pingWhenIdle: false });
  return {
    sessions,
    session,
    async [Symbol.asyncDispose]() {
      session[Symbol.dispose]();
      for (const open of sessions) {
        open.destroy();
      }
      await server[Symbol.asyncDispose]();
    },
  };
}

async function bodyOf(stream: ClientHttp2Stream): Promise<string> {
  stream.end();
  return Buffer.concat(await Array.fromAsync(stream)).toString();
}

test("requests share one connection, opened with the first", async () => {
  await using peer = await echoingPeer();
  assert.equal(peer.sessions.length, 0);
  const streams = await Promise.all(["/a", "/b"].map((path) => peer.session.request("POST", path, {})));
  assert.deepEqual([await Promise.all(streams.map(bodyOf)), peer.sessions.length], [["/a", "/b"], 1]);
});

test("a peer that says goodbye finishes what is open, and what comes now goes over another connection", async () => {
  await using peer = await echoingPeer();
  const open = await peer.session.request("POST", "/open", {});
  open.write("begun");
  assert.equal(await bodyOf(await peer.session.request("POST", "/meanwhile", {})), "/meanwhile");
  const told = once(open.session as NonNullable<typeof open.session>, "goaway");
  peer.sessions[0]?.close();
  await told;
  const next = await peer.session.request("POST", "/next", {});
  assert.deepEqual([await bodyOf(next), await bodyOf(open), peer.sessions.length], ["/next", "/open", 2]);
});

test("a request waits for the connection no longer than its signal", async () => {
  await using peer = await echoingPeer();
  const stop = new AbortController();
  const request = peer.session.request("POST", "/", {}, stop.signal);
  stop.abort(new Error("enough"));
  await assert.rejects(request, new Error("enough"));
});

test("disposing ends what is open and what is being opened", async () => {
  await using peer = await echoingPeer();
  const opening = peer.session.request("POST", "/", {});
  peer.session[Symbol.dispose]();
  await assert.rejects(opening, { code: "canceled" });
});
