import type { ConnectRouter } from "@connectrpc/connect";
import type { Log } from "#pkg/log/log.ts";
import { LabService, RunService } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { askEveryAgent } from "../every-agent.ts";
import { devicesOf, dropped, isUnknownCall, offline } from "../inventory/devices-of.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { Registry } from "../registry.ts";
import { forwarding } from "./forward.ts";

/** What the server answers of dutlab.v1 besides the runs that it joins: what all agents have, and what it forwards. */
export function labRoutes(registry: Registry, inventory: Inventory, log: Log): (router: ConnectRouter) => void {
  const forwarded = forwarding(registry);
  return (router) => {
    router.service(LabService, {
      list: (_, { signal }) => listDevices(registry, signal),
      watch: ({ device }, { signal }) => inventory.watch(device === "" ? undefined : device, signal),
      describe: forwarded((agent) => agent.lab.describe),
      lock: forwarded((agent) => agent.lab.lock),
      unlock: forwarded((agent) => agent.lab.unlock),
    });
    const runsOfDevice = forwarded((agent) => agent.runs.listRuns);
    router.rpc(RunService.method.listRuns, (request, context) =>
      request.device === "" ? listRuns(registry, context.signal, log) : runsOfDevice(request, context),
    );
    router.rpc(
      RunService.method.cancel,
      forwarded((agent) => agent.runs.cancel),
    );
  };
}

/** Every registered device; one whose agent does not answer, or has it no more, is offline. */
async function listDevices(registry: Registry, signal: AbortSignal) {
  const answers = await askEveryAgent(registry, signal, devicesOf);
  const devices = answers.flatMap(({ agent, devices: names, value, fault }) => {
    const said = new Map(value?.map((device) => [device.name, device]));
    return Array.from(names, (name) => said.get(name) ?? offline(name, fault?.message ?? dropped(agent)));
  });
  return { devices: devices.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))) };
}

/** The runs of every agent that knows of any. The answer has no place for agents that did not: the log has. */
async function listRuns(registry: Registry, signal: AbortSignal, log: Log) {
  const answers = await askEveryAgent(registry, signal, ({ connection }, options) =>
    connection.runs.listRuns({}, options),
  );
  for (const { fault } of answers) {
    if (fault !== undefined && !isUnknownCall(fault)) {
      log.warn("runs not listed", { err: fault.message });
    }
  }
  const runs = answers.flatMap(({ value }) => value?.runs ?? []);
  return { runs: runs.sort((a, b) => Number(b.sinceMs - a.sinceMs)) };
}
