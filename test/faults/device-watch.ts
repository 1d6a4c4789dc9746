import type { Connection } from "#pkg/protocol/client.ts";
import { DeviceState } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";

/** Somebody who watches all devices of a server. Disposing leaves. */
export interface DeviceWatch extends AsyncDisposable {
  /** How many devices there were at first. */
  readonly devices: number;
  /** Those that were said to be offline since then. */
  readonly offline: ReadonlySet<string>;
  /** Leaves, and throws when the server has ended the watch before. */
  stop(): Promise<void>;
}

/** Resolves when everything there is has been told. */
export async function openDeviceWatch({ lab }: Connection): Promise<DeviceWatch> {
  const over = new AbortController();
  const offline = new Set<string>();
  const events = lab.watch({}, { signal: over.signal })[Symbol.asyncIterator]();
  const { value: first } = await events.next();
  const life = (async () => {
    for (let next = await events.next(); next.done !== true; next = await events.next()) {
      const { event } = next.value;
      if (event.case === "changed" && event.value.state === DeviceState.OFFLINE) {
        offline.add(event.value.name);
      }
    }
    throw new Error("the server has ended a watch");
  })();
  const ended = life.catch((error: unknown) => (over.signal.aborted ? undefined : error));
  const leave = async () => {
    over.abort();
    return ended;
  };
  return {
    devices: first?.event.case === "snapshot" ? first.event.value.devices.length : 0,
    offline,
    async stop() {
      const fault = await leave();
      if (fault !== undefined) {
        throw fault;
      }
    },
    async [Symbol.asyncDispose]() {
      await leave();
    },
  };
}
