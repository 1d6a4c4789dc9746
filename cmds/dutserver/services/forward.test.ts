import assert from "node:assert/strict";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { DeviceService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { LabService, RunService } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { callerOf, versionHeader } from "#pkg/protocol/headers.ts";
import { openRelay } from "../test/open-relay.ts";

const version = "1.0.0-alpha.1+theirs";

test("every unary call reaches the agent as the client made it, and its answer comes back with its version", async () => {
  await using relay = await openRelay();
  const calls: string[] = [];
  const note = (request: { $typeName: string }, context: { requestHeader: Headers; responseHeader: Headers }) => {
    calls.push(`${request.$typeName} ${callerOf(context.requestHeader.get("from")).name}`);
    context.responseHeader.set(versionHeader, version);
    return {};
  };
  await relay.agent(["board"], (router) => {
    router.service(DeviceService, { lock: note, unlock: note });
    router.service(LabService, { describe: note, lock: note, unlock: note });
    router.service(RunService, { cancel: note });
  });
  const { devices, lab, runs } = relay.client;
  const versions: unknown[] = [];
  for (const call of [devices.lock, devices.unlock, lab.describe, lab.lock, lab.unlock, runs.cancel]) {
    await call({ device: "board" }, { onHeaders: (headers) => versions.push(headers[versionHeader]) });
  }
  assert.deepEqual(
    [calls, versions],
    [
      [
        "dutctl.v1.LockRequest alice@h",
        "dutctl.v1.UnlockRequest alice@h",
        "dutlab.v1.DescribeRequest alice@h",
        "dutlab.v1.LockRequest alice@h",
        "dutlab.v1.UnlockRequest alice@h",
        "dutlab.v1.CancelRequest alice@h",
      ],
      Array(6).fill(version),
    ],
  );
});

test("an agent's refusal, and that it does not know a call, pass as they are", async () => {
  await using relay = await openRelay();
  await relay.agent(["board"], (router) => {
    router.service(DeviceService, {
      lock() {
        throw new DutError("failed_precondition", 'device "board" is locked by "bob@h" for 25m');
      },
    });
  });
  const { devices, lab } = relay.client;
  await assert.rejects(devices.lock({ device: "board" }), {
    code: "failed_precondition",
    message: 'device "board" is locked by "bob@h" for 25m',
  });
  await assert.rejects(lab.lock({ device: "board" }), { code: "unimplemented" });
  await assert.rejects(lab.describe({ device: "nobody's" }), {
    code: "not_found",
    message: `device "nobody's" not found`,
  });
});
