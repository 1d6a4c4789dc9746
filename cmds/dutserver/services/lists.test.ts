import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toJson } from "@bufbuild/protobuf";
import { DeviceService, ListResponseSchema as OldListSchema } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import {
  DeviceState,
  ListResponseSchema,
  ListRunsResponseSchema,
  RunService,
} from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { device, labAgent, oldAgent } from "../test/lab-agent.ts";
import { openRelay } from "../test/open-relay.ts";
import { shown } from "../test/shown.ts";

test("our list has the devices of all agents, of old ones as far as they know, and says why one is offline", async () => {
  await using relay = await openRelay();
  await relay.agent(["old-busy", "old-free", "old-locked"], oldAgent().routes);
  const board = device("board", { description: "a board", state: DeviceState.BUSY, lock: { owner: "alice@h" } });
  const agent = await relay.agent(["board", "dropped"], labAgent(board, device("unregistered")).routes);
  const gone = await relay.agent(["gone"], () => {});
  await gone[Symbol.asyncDispose]();
  const { devices } = await relay.client.lab.list({});
  const shown = devices.map((each) => ({ ...each, offlineSinceMs: 0n }));
  assert.deepEqual(toJson(ListResponseSchema, create(ListResponseSchema, { devices: shown })), {
    devices: [
      { name: "board", description: "a board", state: "DEVICE_STATE_BUSY", lock: { owner: "alice@h" } },
      {
        name: "dropped",
        state: "DEVICE_STATE_OFFLINE",
        reason: `dutagent at ${agent.address} does not have it any more`,
      },
      {
        name: "gone",
        state: "DEVICE_STATE_OFFLINE",
        reason: `dutagent at ${gone.address} does not answer the server: connect ECONNREFUSED ${gone.address.replace("localhost", "127.0.0.1")}`,
      },
      { name: "old-busy", state: "DEVICE_STATE_BUSY", hold: { owner: "bob@h", sinceMs: "5000" } },
      { name: "old-free", state: "DEVICE_STATE_FREE" },
      {
        name: "old-locked",
        state: "DEVICE_STATE_LOCKED",
        lock: { owner: "bob@h", sinceMs: "5000", untilMs: "9000" },
      },
    ],
  });
});

test("the old list has the locks of all agents, and lists what is out of reach without one", async () => {
  await using relay = await openRelay({ firstMs: 200 });
  await relay.agent(["old-busy", "old-locked"], oldAgent().routes);
  await shown(relay, "old-locked", DeviceState.LOCKED);
  const silent = Promise.withResolvers<never>();
  await relay.agent(["silent"], (router) => router.rpc(DeviceService.method.list, () => silent.promise));
  assert.deepEqual(toJson(OldListSchema, await relay.client.devices.list({})), {
    devices: [
      { name: "old-busy", lock: { owner: "bob@h", lockedAt: "5" } },
      { name: "old-locked", lock: { owner: "bob@h", lockedAt: "5", expiresAt: "9" } },
      { name: "silent" },
    ],
  });
  silent.reject(new Error("the test is over"));
});

test("the runs of all agents are listed, the newest first, and those of one device by its agent", async () => {
  await using relay = await openRelay();
  const agentWith = (...runs: { runId: string; sinceMs: bigint }[]) =>
    relay.agent(
      runs.map(({ runId }) => `board of ${runId}`),
      (router) =>
        router.rpc(RunService.method.listRuns, ({ device }) => ({
          runs: runs.filter(({ runId }) => device === "" || device === `board of ${runId}`),
        })),
    );
  await agentWith({ runId: "first", sinceMs: 1n }, { runId: "third", sinceMs: 3n });
  await agentWith({ runId: "second", sinceMs: 2n });
  await relay.agent(["old-free"], oldAgent().routes);
  const { runs } = relay.client;
  assert.deepEqual(
    [await runs.listRuns({}), await runs.listRuns({ device: "board of first" })].map((answer) =>
      toJson(ListRunsResponseSchema, answer),
    ),
    [
      {
        runs: [
          { runId: "third", sinceMs: "3" },
          { runId: "second", sinceMs: "2" },
          { runId: "first", sinceMs: "1" },
        ],
      },
      { runs: [{ runId: "first", sinceMs: "1" }] },
    ],
  );
});

test("the list shows at once who has locked at an agent that is asked now and then, even one that answers late", async () => {
  await using relay = await openRelay({ pollMs: 60_000 });
  let owner: string | undefined;
  let asked = 0;
  const [second, locked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await relay.agent(["board"], (router) =>
    router.service(DeviceService, {
      async list() {
        const before = owner === undefined ? { name: "board" } : { name: "board", lock: { owner, expiresAt: 9n } };
        asked += 1;
        if (asked === 2) {
          second.resolve();
          await locked.promise;
        }
        return { devices: [before] };
      },
      lock() {
        owner = "alice@h";
        setImmediate(() => locked.resolve());
        return { lock: { owner, expiresAt: 9n } };
      },
    }),
  );
  const { devices } = relay.client;
  await devices.list({});
  relay.lab.inventory.knock("board");
  await second.promise;
  await devices.lock({ device: "board" });
  assert.equal((await devices.list({})).devices[0]?.lock?.owner, "alice@h");
});
