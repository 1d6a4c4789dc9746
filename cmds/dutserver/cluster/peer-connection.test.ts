import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { PeerConnection } from "./peer-connection.ts";

test("a call that is given up does not wait for the connection, which goes on being made for others", async () => {
  await using silent = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  using connection = new PeerConnection({ kind: "tcp", host: "127.0.0.1", port }, () => undefined);
  const patience = new AbortController();
  const call = connection.request("POST", "/", {}, patience.signal);
  const other = connection.request("POST", "/", {}).catch(({ message }) => message);
  await once(silent, "connection");
  patience.abort(new Error("long enough"));
  await assert.rejects(call, { message: "long enough" });
  connection[Symbol.dispose]();
  assert.equal(await other, "the connection was closed");
});

test("a connection that is dropped while it is being made fails the calls that wait for it, and nothing else", async () => {
  await using silent = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const connection = new PeerConnection({ kind: "tcp", host: "127.0.0.1", port }, () => undefined);
  const call = connection.request("POST", "/", {});
  await once(silent, "connection");
  connection[Symbol.dispose]();
  await assert.rejects(call, { code: "canceled", message: "the connection was closed" });
});
