import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { silentLog } from "#pkg/log/log.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { listen } from "#pkg/protocol/listener.ts";
import { upgrades } from "#pkg/relay/upgrade.ts";
import { PeerConnection } from "./peer-connection.ts";
import { peerDoor } from "./peer-door.ts";

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
