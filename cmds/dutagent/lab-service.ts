import type { ConnectRouter } from "@connectrpc/connect";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Locks } from "#pkg/lock/locks.ts";
import { LabService } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { callerOf, fromHeader } from "#pkg/protocol/headers.ts";
import type { Bench } from "#pkg/session/bench.ts";
import type { OpenDevice } from "#pkg/session/open-device.ts";
import { type Desk, lockDevice, refuseGone, unlockDevice, unlockDeviceByForce } from "./desk.ts";
import { holdMessage, lockMessage, sortedNames, viewCommands, viewDevice } from "./device-view.ts";
import { type Watched, watchDevices } from "./watch-devices.ts";

/** LabService of one agent. Watches end when `stopping` is aborted, with its reason. */
export function labRoutes(desk: Desk, stopping: AbortSignal): (router: ConnectRouter) => void {
  const { bench, locks } = desk;
  const watched = watchable(bench, locks);
  return (router) => {
    router.service(LabService, {
      list: () => ({ devices: watched.devices() }),
      describe({ device: name }) {
        const device = bench.devices.get(name);
        if (device === undefined) {
          throw new DutError("not_found", `device ${quote(name)}: no such device`);
        }
        return { device: viewDevice(device, locks), commands: viewCommands(device) };
      },
      watch: ({ device }, { signal }) =>
        watchDevices(watched, device === "" ? undefined : device, AbortSignal.any([signal, stopping])),
      async lock({ device, durationMs }, { requestHeader }) {
        const caller = callerOf(requestHeader.get(fromHeader));
        const reservation = await lockDevice(desk, { device, duration: Number(durationMs), caller });
        return { lock: lockMessage(reservation) };
      },
      async unlock({ device, force, keepRun }, { requestHeader }) {
        const caller = callerOf(requestHeader.get(fromHeader));
        refuseGone(desk, device);
        const { reservation, hold } = force
          ? await unlockDeviceByForce(desk, { device, keepRun, caller })
          : { reservation: await unlockDevice(desk, { device, caller }), hold: undefined };
        return { lock: reservation && lockMessage(reservation), hold: hold && holdMessage(hold) };
      },
    });
  };
}

function watchable(bench: Bench, locks: Locks): Watched {
  return {
    devices() {
      const { devices } = bench;
      return sortedNames(devices.keys()).map((name) => viewDevice(devices.get(name) as OpenDevice, locks));
    },
    onChange(listener) {
      const subscriptions = new DisposableStack();
      subscriptions.use(bench.onChange(listener));
      subscriptions.use(locks.onChange(listener));
      return subscriptions;
    },
  };
}
