import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "#pkg/log/log.ts";
import { parseAddress } from "./address.ts";
import { connectTo } from "./client.ts";
import { DeviceService } from "./gen/dutctl/v1/dutctl_pb.ts";
import { LabService } from "./gen/dutlab/v1/dutlab_pb.ts";
import { limits } from "./limits.ts";
import { listen } from "./listener.ts";
import { rpcHandler } from "./rpc-handler.ts";

test("lists of 50,000 devices are read, and an answer about one of them is not when it is as large", async () => {
  const devices = Array.from({ length: 50_000 }, (_, index) => ({
    name: `bench-${index}-board`,
    description: "one of the boards in the rack by the window",
    labels: { architecture: "arm64", rack: `${index % 40}` },
  }));
  await using server = await listen(
    parseAddress("localhost:0"),
    rpcHandler(
      (router) => {
        router.service(DeviceService, {
          list: () => ({ devices: devices.map(({ name }) => ({ name })) }),
          details: () => ({ details: "x".repeat(limits.messageBytes) }),
        });
        router.service(LabService, {
          list: () => ({ devices }),
          async *watch() {
            yield { event: { case: "snapshot", value: { devices } } };
          },
        });
      },
      { self: "agent", log: silentLog },
    ),
    { log: silentLog, insecure: false },
  );
  using client = connectTo(server.address, { identity: undefined });
  const [watched] = await Array.fromAsync(client.lab.watch({}));
  assert.deepEqual(
    [
      (await client.devices.list({})).devices.length,
      (await client.lab.list({})).devices.length,
      watched?.event.case === "snapshot" && watched.event.value.devices.length,
    ],
    [50_000, 50_000, 50_000],
  );
  await assert.rejects(client.devices.details({ device: "board" }), { code: "resource_exhausted" });
});
