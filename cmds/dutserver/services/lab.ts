import type { ConnectRouter } from "@connectrpc/connect";
import type { Log } from "#pkg/log/log.ts";
import { LabService, RunService } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { askAll } from "../agents/ask-all.ts";
import { isUnknownCall } from "../inventory/devices-of.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { Reach } from "../reach.ts";
import { shownAfter } from "./catch-up.ts";
import { forwarding } from "./forward.ts";

/** What the server answers of dutlab.v1 besides the runs that it joins: what all agents have, and what it forwards. */
export function labRoutes(reach: Reach, inventory: Inventory, log: Log): (router: ConnectRouter) => void {
  const forwarded = forwarding(reach);
  const shown = shownAfter(inventory);
  return (router) => {
    router.service(LabService, {
      list: async (_, { signal }) => ({ devices: [...(await inventory.list(reach.scope, signal))] }),
      watch: ({ device }, { signal }) => inventory.watch(reach.scope, device === "" ? undefined : device, signal),
      describe: forwarded((agent) => agent.lab.describe),
      lock: shown(
        forwarded((agent) => agent.lab.lock),
        ({ lock }) => lock?.owner,
      ),
      unlock: shown(
        forwarded((agent) => agent.lab.unlock),
        () => undefined,
      ),
    });
    const runsOfDevice = forwarded((agent) => agent.runs.listRuns);
    router.rpc(RunService.method.listRuns, (request, context) =>
      request.device === "" ? listRuns(reach, context.signal, log) : runsOfDevice(request, context),
    );
    router.rpc(
      RunService.method.cancel,
      forwarded((agent) => agent.runs.cancel),
    );
  };
}

/** The runs of everybody who knows of any. The answer has no place for agents that did not: the log has. */
async function listRuns(reach: Reach, signal: AbortSignal, log: Log) {
  const answers = await askAll(reach.callees, signal, ({ clients }, options) => clients.runs.listRuns({}, options));
  for (const { fault } of answers) {
    if (fault !== undefined && !isUnknownCall(fault)) {
      log.warn("runs not listed", { err: fault.message });
    }
  }
  const runs = answers.flatMap(({ value }) => value?.runs ?? []);
  return { runs: runs.sort((a, b) => Number(b.sinceMs - a.sinceMs)) };
}
