import type { Device, DeviceState } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import type { Relay } from "./open-relay.ts";

/** Resolves with a device when the watchers are shown that it is in a state. */
export async function shown(relay: Relay, name: string, state: DeviceState): Promise<Device> {
  for await (const { event } of relay.client.lab.watch({})) {
    const devices = event.case === "snapshot" ? event.value.devices : event.case === "changed" ? [event.value] : [];
    const found = devices.find((each) => each.name === name && each.state === state);
    if (found !== undefined) {
      return found;
    }
  }
  throw new Error("the watch ended");
}
