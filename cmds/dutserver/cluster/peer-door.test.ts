import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { type Peer, setPeer } from "#pkg/auth/peer.ts";
import { silentLog } from "#pkg/log/log.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { uncounted } from "#pkg/protocol/connection-budget.ts";
import { listen } from "#pkg/protocol/listener.ts";
import { upgrades } from "#pkg/relay/upgrade.ts";
import { PeerConnection } from "./peer-connection.ts";
import { peerDoor } from "./peer-door.ts";

for (const [what, peer, said] of [
  [
    "that has shown a certificate counts for no limit",
    { kind: "certificate", role: "server", name: "b", fingerprint: "b" },
    ["left"],
  ],
  ["without a certificate counts as one that has made a request", { kind: "anonymous" }, ["spoke"]],
] satisfies [string, Peer, string[]][]) {
  test(`a server ${what}`, async () => {
    const told: string[] = [];
    const guest = { ...uncounted, spoke: () => void told.push("spoke"), left: () => void told.push("left") };
    using door = peerDoor(() => {}, silentLog);
    await using port = createServer((socket) => {
      setPeer(socket, peer);
      door.upgrade(undefined as never, socket, Buffer.alloc(0), guest);
    }).listen(0, "127.0.0.1");
    await once(port, "listening");
    const other: Socket = connect((port.address() as AddressInfo).port, "127.0.0.1");
    const [answer] = await once(other, "data");
    other.destroy();
    assert.deepEqual([told, String(answer).split("\r\n")[0]], [said, "HTTP/1.1 101 Switching Protocols"]);
  });
}

test("a call of another server that does not end is waited for as long as the patience lasts", async () => {
  const asked = Promise.withResolvers<void>();
  using door = peerDoor(() => asked.resolve(), silentLog);
  await using listener = await listen(parseAddress("127.0.0.1:0"), () => {}, {
    ...{ log: silentLog, insecure: false, upgrades: { [upgrades.peer]: door.upgrade } },
  });
  using connection = new PeerConnection(listener.address, () => undefined);
  const call = await connection.request("POST", "/", {});
  call.on("error", () => "the door is closed at the end");
  await asked.promise;
  const patience = new AbortController();
  const drained = door.drain(patience.signal);
  patience.abort(new Error("long enough"));
  await assert.rejects(drained, { message: "long enough" });
  door[Symbol.dispose]();
  await once(call, "close");
});
