import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { Lab, shellCommand } from "../lab.ts";
import { withoutSocat } from "../pty-pair.ts";
import { openDoor } from "./door.ts";
import { Network, withoutNetwork } from "./network.ts";

test("a server, an agent and a client are on computers of their own, and a test reaches them by a door", {
  skip: withoutNetwork || withoutSocat,
}, async (t) => {
  await using network = await Network.open(t.signal);
  const [rack, bench, laptop] = await Promise.all(["rack", "bench", "laptop"].map((name) => network.computer(name)));
  assert.ok(rack !== undefined && bench !== undefined && laptop !== undefined);
  await using lab = await Lab.open(t.signal);
  const at = ({ namespace }: typeof rack) => lab.startedBy(...namespace.inside);
  const server = await at(rack).server("-s", `${rack.address}:1024`, "-insecure");
  const devices = { board: { cmds: { sh: shellCommand } } };
  await at(bench).agent(devices, "-a", `${bench.address}:1024`, "-insecure", "-server", server.address);
  const ran = await at(laptop).dutctl(["-s", server.address, "board", "sh", "ip -br address show eth0"]);
  assert.deepEqual([ran.code, ran.stdout.includes(bench.address)], [0, true]);
  await using door = await openDoor(rack, server.address, lab.directory);
  using connection = connectTo(parseAddress(door.address), { identity: undefined });
  assert.deepEqual(
    (await connection.devices.list({})).devices.map(({ name }) => name),
    ["board"],
  );
});
