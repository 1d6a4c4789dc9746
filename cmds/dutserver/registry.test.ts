import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "#pkg/log/log.ts";
import { formatAddress, parseAddress } from "#pkg/protocol/address.ts";
import { DeviceService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { type Listener, listen } from "#pkg/protocol/listener.ts";
import { rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { Registry } from "./registry.ts";

/** An agent that lists the given devices, and nothing else. */
function agentWith(...devices: string[]): Promise<Listener> {
  const handler = rpcHandler(
    (router) => router.service(DeviceService, { list: () => ({ devices: devices.map((name) => ({ name })) }) }),
    { self: "agent", log: silentLog },
  );
  return listen(parseAddress("localhost:0"), handler, { log: silentLog, insecure: false });
}

/** Nobody listens there: the port was the system's choice for a listener that has gone. */
async function deserted(): Promise<string> {
  const agent = await agentWith();
  await agent[Symbol.asyncDispose]();
  return formatAddress(agent.address);
}

test("devices of all agents are listed by their bytes and found at their agent", async () => {
  using registry = new Registry();
  await registry.register(["ä", "b"], "localhost:1025");
  await registry.register(["B", "a"], "localhost:1026");
  assert.deepEqual(registry.devices, ["B", "a", "b", "ä"]);
  assert.equal(registry.agentOf("a").address, "localhost:1026");
  assert.throws(() => registry.agentOf("c"), { code: "not_found", message: 'device "c" not found' });
});

test("an agent that registers again replaces what it had, on one connection", async () => {
  using registry = new Registry();
  await registry.register(["old", "kept"], "localhost:1025");
  const before = registry.agentOf("kept");
  await registry.register(["kept", "new"], "localhost:1025");
  assert.deepEqual(registry.devices, ["kept", "new"]);
  assert.equal(registry.agentOf("new"), before);
});

test("a registration tells whether the agent did not have just these devices", async () => {
  using registry = new Registry();
  const told = [];
  for (const devices of [["a", "b"], ["b", "a"], ["a"], ["a", "c"]]) {
    told.push(await registry.register(devices, "localhost:1025"));
  }
  assert.deepEqual(told, [true, false, true, true]);
});

test("a device stays with an agent that answers for it, and a refused registration changes nothing", async () => {
  using registry = new Registry();
  await using first = await agentWith("board");
  await registry.register(["board"], formatAddress(first.address));
  await assert.rejects(registry.register(["other", "board"], "localhost:1026"), {
    code: "already_exists",
    message: 'adding agent "localhost:1026": device "board" already registered',
  });
  assert.deepEqual(registry.devices, ["board"]);
});

test("a device moves when its agent is gone, or no longer has it", async () => {
  using registry = new Registry();
  await using reconfigured = await agentWith("something else");
  await registry.register(["one"], await deserted());
  await registry.register(["two"], formatAddress(reconfigured.address));
  await registry.register(["one", "two"], "localhost:1026");
  assert.deepEqual(
    ["one", "two"].map((device) => registry.agentOf(device).address),
    ["localhost:1026", "localhost:1026"],
  );
});

for (const [devices, address, message] of [
  [["a"], "", "agent address is not set"],
  [[], "localhost:1025", "empty device list"],
  [["a", ""], "localhost:1025", "device 2 has empty name"],
  [["a"], "localhost:x", 'invalid address "localhost:x"'],
] as const) {
  test(`a registration is refused: ${message}`, async () => {
    using registry = new Registry();
    await assert.rejects(registry.register(devices, address), { code: "invalid_argument", message });
  });
}
