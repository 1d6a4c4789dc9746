import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { PeerConnection } from "./peer-connection.ts";

test("a connection that is dropped while it is being made fails the calls that wait for it, and nothing else", async () => {
  await using silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const connection = new PeerConnection({ kind: "tcp", host: "127.0.0.1", port }, () => undefined);
  const call = connection.request("POST", "/", {});
  await once(silent, "connection");
  connection[Symbol.dispose]();
  await assert.rejects(call, { code: "canceled", message: "the connection was closed" });
});
