import type { ConnectRouter } from "@connectrpc/connect";
import { DeviceService, RelayService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import type { Device } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { callAddressKey } from "#pkg/protocol/rpc-handler.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { Reach } from "../reach.ts";
import type { AddressRegistrations } from "../registrations/address-registrations.ts";
import type { RunBudget } from "../run-budget.ts";
import { shownAfter } from "./catch-up.ts";
import { forwarding } from "./forward.ts";

/** What a server answers from. */
export interface Served {
  readonly reach: Reach;
  readonly inventory: Inventory;
  readonly registrations: AddressRegistrations;
  readonly budget: RunBudget;
}

/** What the server answers of dutctl.v1: registrations, one list of all agents' devices, and what it forwards. */
export function deviceRoutes({ reach, inventory, registrations }: Served): (router: ConnectRouter) => void {
  const forwarded = forwarding(reach);
  const shown = shownAfter(inventory);
  return (router) => {
    router.service(DeviceService, {
      async list(_, { signal }) {
        const devices = await inventory.list(reach.scope, signal);
        return { devices: devices.map((device) => ({ name: device.name, ...lockOf(device) })) };
      },
      commands: forwarded((agent) => agent.devices.commands),
      details: forwarded((agent) => agent.devices.details),
      lock: shown(
        forwarded((agent) => agent.devices.lock),
        ({ lock }) => lock?.owner,
      ),
      unlock: shown(
        forwarded((agent) => agent.devices.unlock),
        () => undefined,
      ),
    });
    router.service(RelayService, {
      async register({ devices, address }, { values }) {
        await registrations.register(devices, address, values.get(callAddressKey));
        return {};
      },
    });
  };
}

/** The old protocol has one place for both, in seconds: what does not expire is a run's. */
function lockOf({ lock, hold }: Device) {
  if (lock !== undefined) {
    return { lock: { owner: lock.owner, lockedAt: seconds(lock.sinceMs), expiresAt: seconds(lock.untilMs) } };
  }
  return hold === undefined ? {} : { lock: { owner: hold.owner, lockedAt: seconds(hold.sinceMs), expiresAt: 0n } };
}

function seconds(milliseconds: bigint): bigint {
  return milliseconds / 1000n;
}
