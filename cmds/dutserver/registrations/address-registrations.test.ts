import assert from "node:assert/strict";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { silentLog } from "#pkg/log/log.ts";
import { formatAddress, parseAddress } from "#pkg/protocol/address.ts";
import { DeviceService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { DeviceState } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { listen } from "#pkg/protocol/listener.ts";
import { rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { dialIn } from "../test/dialling-agent.ts";
import { device, labAgent } from "../test/lab-agent.ts";
import { openRelay } from "../test/open-relay.ts";

test("an agent that is being adopted while servers come and go has a connection that works", async () => {
  const agent = labAgent(device("board"));
  await using listener = await listen(
    parseAddress("localhost:0"),
    rpcHandler(agent.routes, { self: "agent", log: silentLog }),
    { log: silentLog, insecure: false },
  );
  const address = formatAddress(listener.address);
  const store = memoryStore();
  const facts = [{ name: "board", description: "", labels: {} }];
  const record = { ...{ key: "", address, version: "", bootId: "", fence: 0, devices: facts }, epoch: 1 };
  await store.put(`agent/${address}`, JSON.stringify({ ...record, server: "gone", since: 0, reason: "" }));
  await store.put("device/board", JSON.stringify({ agent: address }));
  const { change } = store;
  const begun = Promise.withResolvers<void>();
  store.change = async (changes) => {
    store.change = async () => {
      throw new DutError("unavailable", "the store takes one change alone");
    };
    await begun.promise;
    return change.call(store, changes);
  };
  await using relay = await openRelay({}, store);
  const here = Promise.withResolvers<void>();
  const seen: string[] = [];
  using _ = relay.lab.registry.onChange(({ kind }) => {
    seen.push(kind);
    if (seen.join() === "server,server") {
      begun.resolve();
    } else if (kind === "agent") {
      here.resolve();
    }
  });
  for (const id of ["one", "two"]) {
    await store.put(`server/${id}`, JSON.stringify({ address: "" }));
  }
  await here.promise;
  const { devices } = await relay.client.lab.list({});
  assert.deepEqual(
    devices.map(({ state }) => state),
    [DeviceState.FREE],
  );
});

test("an agent that registered an address is called no more when all its devices are others'", async () => {
  await using relay = await openRelay();
  const { registry } = relay.lab;
  const { address } = await relay.agent(["board"], (router) =>
    router.rpc(DeviceService.method.list, () => ({ devices: [] })),
  );
  const left = Promise.withResolvers<void>();
  using _ = registry.onChange(() => {
    if (registry.placeOf(address).kind === "offline") {
      left.resolve();
    }
  });
  using claimant = await dialIn(relay.address, { name: "bench", devices: ["board"] });
  await claimant.next();
  await left.promise;
  const place = registry.placeOf(address);
  assert.deepEqual(
    [registry.ownerOf("board"), place.kind === "offline" && place.reason],
    ["bench", "all its devices belong to others"],
  );
});

test("an agent that is there and cannot say what it has keeps its device", async () => {
  await using relay = await openRelay();
  const { address } = await relay.agent(["board"], (router) =>
    router.rpc(DeviceService.method.list, () => {
      throw new DutError("resource_exhausted", "too many calls");
    }),
  );
  await assert.rejects(
    relay.agent(["board"], () => {}),
    { code: "resource_exhausted" },
  );
  assert.equal(relay.lab.registry.ownerOf("board"), address);
});
